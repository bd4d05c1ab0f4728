/** A small HTTP server for tests: one handler sees every request and answers with a status, a body, or nothing at all. */
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface TestRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  body: Buffer;
}

/** `hang` never answers; `drop` closes the connection without an answer. */
export type TestAnswer =
  'hang' | 'drop' | { status?: number; headers?: Record<string, string>; json?: unknown; text?: string };

export interface TestServer {
  url: string;
  /** Every request seen, oldest first. */
  requests: TestRequest[];
  close(): Promise<void>;
}

export async function startTestServer(
  handle: (request: TestRequest) => TestAnswer | Promise<TestAnswer>,
): Promise<TestServer> {
  const requests: TestRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const url = new URL(incoming.url ?? '/', 'http://127.0.0.1');
      const request: TestRequest = {
        method: incoming.method ?? 'GET',
        path: url.pathname,
        query: url.searchParams,
        body: await bodyOf(incoming),
      };
      requests.push(request);
      const answer = await handle(request);
      if (answer === 'hang') return;
      if (answer === 'drop') return void incoming.socket.destroy();
      const text = answer.json === undefined ? (answer.text ?? '') : JSON.stringify(answer.json);
      outgoing.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
      outgoing.end(text);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Passes requests on; of a request that `loses` names, the answer never comes back although the target took it. */
export const startLossyProxy = (target: string, loses: (request: TestRequest) => boolean): Promise<TestServer> =>
  startProxy(target, (request) => (loses(request) ? 'lose' : 'pass'));

/** `refuse` never reaches the target; a number is how many milliseconds a request is on its way, whoever still waits. */
export type Treatment = 'pass' | 'lose' | 'refuse' | number;

export async function startProxy(target: string, treat: (request: TestRequest) => Treatment): Promise<TestServer> {
  return startTestServer(async (request) => {
    const treatment = treat(request);
    if (treatment === 'refuse') return 'drop';
    if (typeof treatment === 'number') await sleep(treatment);
    const { method, path, query, body } = request;
    // A target that has gone meanwhile gives no answer, and neither does the proxy.
    const answer = await fetch(`${target}${path}${query.size > 0 ? `?${query.toString()}` : ''}`, {
      method,
      ...(method === 'GET' ? {} : { body, headers: { 'content-type': contentType(body) } }),
    }).catch(() => undefined);
    const text = await answer?.text();
    if (answer === undefined || text === undefined) return 'drop';
    return treatment === 'lose' ? 'drop' : { status: answer.status, text };
  });
}

/** A proxy that can be shut: then every request ends without an answer. */
export async function startDoor(target: string): Promise<TestServer & { shut: boolean }> {
  const server = await startProxy(target, () => (door.shut ? 'refuse' : 'pass'));
  const door = Object.assign(server, { shut: false });
  return door;
}

/** The boundary of a form is its first line. */
function contentType(body: Buffer): string {
  const head = body.subarray(0, 200).toString('latin1');
  return head.startsWith('--')
    ? `multipart/form-data; boundary=${head.slice(2, head.indexOf('\r\n'))}`
    : 'application/json';
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** An address where nobody listens. */
export async function closedPort(): Promise<string> {
  const server = await startTestServer(() => ({}));
  await server.close();
  return server.url;
}
