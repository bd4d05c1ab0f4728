/** Prints each event as one JSON line, for looking at events while developing. */
import type { OpenLineageEvent } from '../events.js';
import type { Transport } from '../transport.js';

export interface ConsoleTransportOptions {
  /** Takes one line without its line break; default: standard output. */
  write?: (line: string) => void;
}

export class ConsoleTransport implements Transport {
  readonly #write: (line: string) => void;

  constructor(options: ConsoleTransportOptions = {}) {
    this.#write = options.write ?? ((line) => void process.stdout.write(`${line}\n`));
  }

  emit(event: OpenLineageEvent): Promise<void> {
    this.#write(JSON.stringify(event));
    return Promise.resolve();
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
