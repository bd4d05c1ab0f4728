/** A receiver on 127.0.0.1 whose answers a test decides. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RunEvent } from '../src/index.js';

export interface Receiver {
  url: string;
  /** What was answered with a 2xx, in order. */
  accepted: RunEvent[];
  requests: { at: number; path: string; headers: IncomingMessage['headers']; event: RunEvent }[];
  /** Connections opened so far. */
  connections: () => number;
  close(): Promise<void>;
}

/** `answer` says the status, or does everything itself and returns nothing. */
export type Answer = (event: RunEvent, response: ServerResponse, requestNumber: number) => number | undefined;

export async function startReceiver(answer: Answer = () => 201): Promise<Receiver> {
  const accepted: RunEvent[] = [];
  const requests: Receiver['requests'] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const event = JSON.parse(body) as RunEvent;
      requests.push({ at: Date.now(), path: request.url ?? '', headers: request.headers, event });
      const status = answer(event, response, requests.length);
      if (status === undefined) return;
      if (status >= 200 && status < 300) accepted.push(event);
      response.writeHead(status).end();
    });
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accepted,
    requests,
    connections: () => connections,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
