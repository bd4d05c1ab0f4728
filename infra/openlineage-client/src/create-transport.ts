/** Makes a transport from plain settings, as they stand in a configuration file. */
import type { Transport } from './transport.js';
import { CompositeTransport } from './transports/composite.js';
import { ConsoleTransport } from './transports/console.js';
import { FileTransport, type FileTransportOptions } from './transports/file.js';
import { HttpTransport, type HttpTransportOptions } from './transports/http.js';

export type TransportConfig =
  | ({ type: 'http' } & HttpTransportOptions)
  | ({ type: 'file' } & FileTransportOptions)
  | { type: 'console' }
  | { type: 'composite'; transports: TransportConfig[] };

export function createTransport(config: TransportConfig): Transport {
  switch (config.type) {
    case 'http':
      return new HttpTransport(config);
    case 'file':
      return new FileTransport(config);
    case 'console':
      return new ConsoleTransport();
    case 'composite':
      return new CompositeTransport(config.transports.map(createTransport));
  }
}
