/** A proxy before an engine's HTTP door that can lose, delay, garble or refuse, as a broken network does. */
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export type ProxyMode =
  | { kind: 'pass' }
  /** The engine takes the request; its answer is lost. */
  | { kind: 'drop-answer' }
  /** As above, for requests that submit a job only. */
  | { kind: 'drop-submit' }
  /** The engine never hears of it: the connection is reset. */
  | { kind: 'refuse' }
  /** The engine takes the request at once, its answer comes late. */
  | { kind: 'delay'; ms: number }
  /** A gateway's error page instead of the engine's answer; the engine never hears of it. */
  | { kind: 'bad-gateway' };

export type ProxyKind = ProxyMode['kind'];

export interface FaultProxy {
  url: string;
  /** Sets what happens to requests from now on. */
  set(mode: ProxyMode): void;
  /** Requests (connections, where they were refused) by what was done to them, and submissions whose answer was lost. */
  counts: Record<ProxyKind, number> & { lostSubmissions: number };
  close(): Promise<void>;
}

const SUBMITS = [/^\/v1\/submissions\/create$/, /^\/jars\/[^/]+\/run$/];
const ERROR_PAGE = '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>';

const isSubmit = ({ method, url }: IncomingMessage): boolean => {
  const path = (url ?? '/').split('?', 1)[0] ?? '/';
  return method === 'POST' && SUBMITS.some((pattern) => pattern.test(path));
};

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  let mode: ProxyMode = { kind: 'pass' };
  const counts: FaultProxy['counts'] = {
    pass: 0,
    'drop-answer': 0,
    'drop-submit': 0,
    refuse: 0,
    delay: 0,
    'bad-gateway': 0,
    lostSubmissions: 0,
  };
  const closing = new AbortController();

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const now = mode;
    const loses = now.kind === 'drop-answer' || (now.kind === 'drop-submit' && isSubmit(incoming));
    // Its connection is about to be reset, and was counted.
    if (now.kind === 'refuse') return void incoming.socket.resetAndDestroy();
    counts[now.kind === 'drop-submit' && !loses ? 'pass' : now.kind] += 1;
    if (now.kind === 'bad-gateway') {
      incoming.resume();
      return void outgoing.writeHead(502, { 'content-type': 'text/html' }).end(ERROR_PAGE);
    }
    const answer = await forward(target, incoming, await bodyOf(incoming));
    if (now.kind === 'delay') await delay(now.ms, undefined, { signal: closing.signal });
    if (loses) {
      if (isSubmit(incoming)) counts.lostSubmissions += 1;
      return void incoming.socket.destroy();
    }
    outgoing.writeHead(answer.status, answer.headers).end(answer.body);
  }

  const server = createServer((incoming, outgoing) => {
    // Whatever goes wrong between here and the engine looks to the caller like a connection that breaks.
    handle(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  server.on('connection', (socket: Socket) => {
    if (mode.kind !== 'refuse') return;
    counts.refuse += 1;
    socket.resetAndDestroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    set: (next) => {
      mode = next;
      // A connection that is kept open would go on as if nothing had happened.
      if (next.kind === 'refuse') server.closeAllConnections();
    },
    counts,
    close: async () => {
      closing.abort();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

interface Answer {
  status: number;
  headers: Record<string, string | string[]>;
  body: Buffer;
}

/** Headers that belong to one connection, not to the message. */
const HOP_BY_HOP = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding', 'content-length']);

function passedOn(headers: IncomingHttpHeaders, bytes: number): Record<string, string | string[]> {
  const kept = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || HOP_BY_HOP.has(name) ? [] : [[name, value] as const],
  );
  return { ...Object.fromEntries(kept), 'content-length': String(bytes) };
}

async function forward(target: string, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onward = httpRequest(
      `${target}${incoming.url ?? '/'}`,
      { method: incoming.method, headers: passedOn(incoming.headers, body.length), agent: false },
      (response) => {
        bodyOf(response).then(
          (content) =>
            resolve({
              status: response.statusCode ?? 502,
              headers: passedOn(response.headers, content.length),
              body: content,
            }),
          reject,
        );
      },
    );
    onward.once('error', reject);
    onward.end(body);
  });
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
