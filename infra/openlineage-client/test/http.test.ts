/** The HTTP transport against a real socket: retries, deadlines, kept connections and quiet errors. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { HttpTransport, OpenLineageClient, TransportError, type HttpTransportOptions } from '../src/index.js';
import { parseRetryAfter } from '../src/transports/http.js';
import { startReceiver, type Answer, type Receiver } from './receiver.js';
import { sampleRunEvent } from './samples.js';

let receiver: Receiver | undefined;
let client: OpenLineageClient | undefined;

async function start(answer?: Answer, options: Partial<HttpTransportOptions> = {}): Promise<Receiver> {
  receiver = await startReceiver(answer);
  const transport = new HttpTransport({ url: receiver.url, backoffMs: 5, timeoutMs: 2_000, ...options });
  client = new OpenLineageClient({ transport });
  return receiver;
}

afterEach(async () => {
  await client?.close();
  await receiver?.close();
  receiver = client = undefined;
});

describe('HttpTransport', () => {
  it('posts JSON to api/v1/lineage over one kept connection', async () => {
    const { requests, connections } = await start(undefined, { apiKey: 'k-1', headers: { 'x-team': 'a' } });
    for (let i = 0; i < 5; i++) await client!.emit(sampleRunEvent(`job-${i}`));
    assert.equal(connections(), 1);
    assert.deepEqual(
      requests.map((request) => request.event.job.name),
      ['job-0', 'job-1', 'job-2', 'job-3', 'job-4'],
    );
    assert.equal(requests[0]?.path, '/api/v1/lineage');
    assert.equal(requests[0]?.headers['content-type'], 'application/json');
    assert.equal(requests[0]?.headers.authorization, 'Bearer k-1');
    assert.equal(requests[0]?.headers['x-team'], 'a');
    assert.deepEqual(requests[0]?.event, JSON.parse(JSON.stringify(sampleRunEvent('job-0'))));
  });

  it('tries again on 5xx and gives up after the last retry', async () => {
    const { requests } = await start((_event, _response, n) => (n <= 2 ? 503 : 200));
    await client!.emit(sampleRunEvent());
    assert.equal(requests.length, 3);
    await client!.close();
    await receiver!.close();
    const down = await start(() => 500, { retries: 2 });
    await assert.rejects(
      client!.emit(sampleRunEvent()),
      (error: TransportError) => error.retryable && error.status === 500,
    );
    assert.equal(down.requests.length, 3);
  });

  it('does not repeat an event that the receiver refuses', async () => {
    const { requests } = await start((_event, response) => void response.writeHead(422).end('no such field'));
    await assert.rejects(client!.emit(sampleRunEvent()), (error: TransportError) => {
      assert.equal(error.retryable, false);
      assert.match(error.message, /answered 422: no such field/);
      return true;
    });
    assert.equal(requests.length, 1);
  });

  it('waits as long as Retry-After says, and not at all when that is too long', async () => {
    const { requests } = await start((_event, response, n) =>
      n === 1 ? void response.writeHead(429, { 'retry-after': '1' }).end() : 200,
    );
    await client!.emit(sampleRunEvent());
    assert.ok(requests[1]!.at - requests[0]!.at >= 990);
    await client!.close();
    await receiver!.close();
    await start((_event, response) => void response.writeHead(503, { 'retry-after': '3600' }).end());
    await assert.rejects(client!.emit(sampleRunEvent()), (error: TransportError) => error.retryAfterMs === 3_600_000);
    assert.equal(receiver!.requests.length, 1);
  });

  it('ends a try whose answer does not come, or does not end, within the timeout', async () => {
    await start(() => undefined, { retries: 0, timeoutMs: 50 });
    await assert.rejects(client!.emit(sampleRunEvent()), /no answer from .*ETIMEDOUT/);
    await client!.close();
    await receiver!.close();
    await start((_event, response) => void response.writeHead(200).write('half'), { retries: 0, timeoutMs: 50 });
    await assert.rejects(client!.emit(sampleRunEvent()), (error: TransportError) => error.retryable);
  });

  it('says so when nobody listens', async () => {
    const { url } = await start();
    await receiver!.close();
    const transport = new HttpTransport({ url, retries: 1, backoffMs: 1 });
    await assert.rejects(transport.emit(sampleRunEvent()), /ECONNREFUSED/);
    await transport.close();
    await assert.rejects(transport.emit(sampleRunEvent()), /closed/);
  });

  it('flush waits for what is on its way', async () => {
    let answerNow: () => void = () => undefined;
    const { accepted } = await start((event, response) => {
      answerNow = () => {
        accepted.push(event);
        response.writeHead(200).end();
      };
      setImmediate(() => answerNow());
      return undefined;
    });
    const sent = client!.emit(sampleRunEvent());
    await client!.flush();
    assert.equal(accepted.length, 1);
    await sent;
  });

  it('refuses credentials in the address without repeating them', () => {
    for (const url of ['http://user:s3cr3t@127.0.0.1:1', 'ftp://s3cr3t', 's3cr3t']) {
      assert.throws(
        () => new HttpTransport({ url }),
        (error: Error) => !JSON.stringify([error.message, error]).includes('s3cr3t'),
      );
    }
  });

  it('keeps the query of its address out of errors', async () => {
    const { url } = await start();
    await receiver!.close();
    const transport = new HttpTransport({ url: `${url}/?token=s3cr3t`, retries: 0 });
    await assert.rejects(transport.emit(sampleRunEvent()), (error: Error) => !error.message.includes('s3cr3t'));
    await transport.close();
  });
});

it('reads Retry-After as seconds or as a date', () => {
  const now = Date.parse('2026-02-01T00:00:00Z');
  assert.equal(parseRetryAfter('7', now), 7_000);
  assert.equal(parseRetryAfter('Sun, 01 Feb 2026 00:00:30 GMT', now), 30_000);
  assert.equal(parseRetryAfter('Sat, 31 Jan 2026 00:00:00 GMT', now), 0);
  assert.equal(parseRetryAfter('soon', now), undefined);
  assert.equal(parseRetryAfter(undefined, now), undefined);
});
