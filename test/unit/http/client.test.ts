/** The HTTP client turns every way of not answering into one code, every refusal into another, and leaks nothing. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { z } from 'zod';
import { isSluiceError, SluiceError } from '../../../infra/errors.js';
import { createHttpClient } from '../../../infra/http/client.js';
import { messageOfBody } from '../../../infra/http/error-body.js';
import { retryAfterMs } from '../../../infra/http/retry-after.js';
import { closedPort, startTestServer } from '../../support/http-server.js';
import type { TestAnswer, TestServer } from '../../support/http-server.js';

let server: TestServer;
let answer: TestAnswer;

before(async () => {
  server = await startTestServer(() => answer);
});
after(() => server.close());
beforeEach(() => {
  answer = { json: { ok: true } };
});

const schema = z.object({ ok: z.boolean() });
const client = (url = server.url, timeoutMs = 10_000) => createHttpClient({ baseUrl: url, name: 'Test', timeoutMs });

async function errorOf(call: Promise<unknown>): Promise<SluiceError> {
  const error = await call.then(
    () => assert.fail('should have thrown'),
    (thrown: unknown) => thrown,
  );
  assert.ok(isSluiceError(error), String(error));
  return error;
}

describe('http client', () => {
  it('parses a good answer and passes query and body on', async () => {
    const got = await client().json('/x', schema, { method: 'POST', query: { a: 1 }, body: { b: 2 } });
    assert.deepEqual(got, { ok: true });
    const request = server.requests.at(-1);
    assert.equal(request?.query.get('a'), '1');
    assert.equal(request?.body.toString(), '{"b":2}');
  });

  const noAnswers: [string, TestAnswer][] = [
    ['a dropped connection', 'drop'],
    ['silence', 'hang'],
    ['502 with HTML', { status: 502, text: '<html>Bad gateway</html>' }],
    ['503', { status: 503 }],
    ['408', { status: 408 }],
    ['429', { status: 429 }],
    ['200 with HTML', { text: '<html>login</html>' }],
    ['200 with another form', { json: { fine: 1 } }],
    ['a redirect to nowhere', { status: 304 }],
  ];
  for (const [what, given] of noAnswers) {
    it(`counts ${what} as no answer`, async () => {
      answer = given;
      const impatient = client(server.url, given === 'hang' ? 100 : 10_000);
      const error = await errorOf(impatient.json('/x', schema));
      assert.equal(error.code, 'ENGINE_UNREACHABLE');
      assert.equal(error.retryable, true);
    });
  }

  it('counts a closed port as no answer and names the fault', async () => {
    const error = await errorOf(client(await closedPort()).json('/x', schema));
    assert.equal(error.code, 'ENGINE_UNREACHABLE');
    assert.equal(error.details['reason'], 'ECONNREFUSED');
  });

  it('hands Retry-After on', async () => {
    answer = { status: 503, headers: { 'retry-after': '7' } };
    assert.equal((await errorOf(client().send('/x'))).details['retryAfterMs'], 7_000);
  });

  it('rejects other client errors with the message of the body, once', async () => {
    answer = { status: 404, json: { errors: ['Job not found\n\tat x'] } };
    const error = await errorOf(client().send('/x'));
    assert.equal(error.code, 'ENGINE_REJECTED');
    assert.equal(error.retryable, false);
    assert.match(error.message, /HTTP 404\): Job not found$/);
  });

  it('gives an accepted status back as an answer', async () => {
    answer = { status: 404, text: 'gone' };
    assert.deepEqual(await client().send('/x', { accept: [404] }), { status: 404, text: 'gone' });
  });

  it('can speak with the codes of another kind of server', async () => {
    const other = createHttpClient({
      baseUrl: await closedPort(),
      name: 'Store',
      unreachableCode: 'STORE_UNREACHABLE',
    });
    assert.equal((await errorOf(other.send('/x'))).code, 'STORE_UNREACHABLE');
  });

  it('lets an abort through with its own reason', async () => {
    answer = 'hang';
    const controller = new AbortController();
    const reason = new Error('cancelled by the caller');
    const call = client().send('/x', { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(call, reason);
    await assert.rejects(client().send('/x', { signal: controller.signal }), reason);
  });

  it('never tells secrets: not those of the address, the headers or the body', async () => {
    const canary = 'c4n4ry';
    const url = (await closedPort()).replace('http://', `http://user:${canary}@`);
    const secret = createHttpClient({ baseUrl: url, name: 'Test', headers: { Authorization: canary } });
    const error = await errorOf(secret.send('/x', { method: 'POST', body: { password: canary } }));
    const told = [error.message, error.stack, JSON.stringify(error), JSON.stringify(error.cause), String(error.cause)];
    assert.doesNotMatch(told.join(' '), new RegExp(canary));
  });
});

describe('retry-after', () => {
  it('reads seconds and dates and nothing else', () => {
    assert.equal(retryAfterMs('120', 0), 120_000);
    assert.equal(retryAfterMs('Thu, 01 Jan 1970 00:00:10 GMT', 4_000), 6_000);
    assert.equal(retryAfterMs('Thu, 01 Jan 1970 00:00:10 GMT', 60_000), 0);
    assert.equal(retryAfterMs('soon', 0), undefined);
    assert.equal(retryAfterMs(undefined, 0), undefined);
  });
});

describe('error bodies', () => {
  it('finds the line for people', () => {
    assert.equal(messageOfBody('{"errors":["no such jar\\n\\tat a"]}'), 'no such jar');
    assert.equal(messageOfBody('{"message":"Malformed request"}'), 'Malformed request');
    assert.equal(messageOfBody('plain text'), 'plain text');
    assert.equal(messageOfBody('<html></html>'), '');
    assert.equal(messageOfBody(''), '');
  });
});
