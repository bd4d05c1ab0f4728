/** The fault proxy does what its modes say: a proxy that lets a fault pass would make every round of chaos a quiet one. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { startTestServer, type TestServer } from '../support/http-server.js';
import { startFaultProxy, type FaultProxy } from './fault-proxy.js';

describe('fault proxy', () => {
  let engine: TestServer;
  let proxy: FaultProxy;
  before(async () => {
    engine = await startTestServer(({ method, path, body }) => ({ json: { method, path, body: body.toString() } }));
    proxy = await startFaultProxy(engine.url);
  });
  after(async () => {
    await proxy.close();
    await engine.close();
  });
  beforeEach(() => {
    proxy.set({ kind: 'pass' });
    engine.requests.length = 0;
  });
  const post = (path: string): Promise<Response> => fetch(`${proxy.url}${path}`, { method: 'POST', body: '{"a":1}' });

  it('passes requests and answers on', async () => {
    const answer = await post('/v1/submissions/create?x=1');
    assert.deepEqual(await answer.json(), { method: 'POST', path: '/v1/submissions/create', body: '{"a":1}' });
    assert.equal(engine.requests[0]?.query.get('x'), '1');
  });

  it('loses the answer of a request that the engine has taken', async () => {
    proxy.set({ kind: 'drop-answer' });
    await assert.rejects(post('/jobs/x'));
    assert.equal(engine.requests.length, 1);
  });

  it('loses the answers of submissions only', async () => {
    proxy.set({ kind: 'drop-submit' });
    const lost = proxy.counts.lostSubmissions;
    assert.equal((await fetch(`${proxy.url}/jobs/overview`)).status, 200);
    await assert.rejects(post('/v1/submissions/create'));
    await assert.rejects(post('/jars/abc_x.jar/run?y=2'));
    assert.equal(engine.requests.length, 3);
    assert.equal(proxy.counts.lostSubmissions, lost + 2);
  });

  it('refuses before the engine hears of it', async () => {
    proxy.set({ kind: 'refuse' });
    const refused = proxy.counts.refuse;
    await assert.rejects(post('/v1/submissions/create'));
    assert.equal(engine.requests.length, 0);
    assert.ok(proxy.counts.refuse > refused);
  });

  it('answers late, though the engine was asked at once', async () => {
    proxy.set({ kind: 'delay', ms: 300 });
    const startedMs = performance.now();
    assert.equal((await post('/jobs')).status, 200);
    assert.ok(performance.now() - startedMs >= 290);
    assert.equal(engine.requests.length, 1);
  });

  it('answers with a page of a gateway', async () => {
    proxy.set({ kind: 'bad-gateway' });
    const answer = await post('/jobs');
    assert.equal(answer.status, 502);
    assert.match(await answer.text(), /<html>/);
    assert.equal(engine.requests.length, 0);
  });
});
