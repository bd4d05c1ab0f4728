/** The Flink adapter against a cluster that misbehaves: lost answers, refusals, forgotten jobs, tasks without slots. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { createJarCatalog } from '../../../../engines/artifacts.js';
import { createFlinkEngine } from '../../../../engines/flink/engine.js';
import type { FlinkEngineConfig } from '../../../../engines/flink/engine.js';
import { isTerminal } from '../../../../engines/job-state.js';
import type { EnginePort, JobHandle } from '../../../../engines/port.js';
import { isSluiceError } from '../../../../infra/errors.js';
import { startFakeFlink } from '../../../support/fake-flink-server.js';
import type { FakeFlink, FakeFlinkJob } from '../../../support/fake-flink-server.js';
import { writeJar } from '../../../support/jars.js';
import { testSpec } from '../../../support/job-specs.js';
import { createMemoryObjects } from '../../../support/memory-objects.js';

const KEY = 'a'.repeat(32);
let folder: string;
let flink: FakeFlink;
let engine: EnginePort;
const objects = createMemoryObjects();

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-flink-'));
  await writeJar(join(folder, 'jobs.jar'));
});
after(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  objects.objects.clear();
  flink = await startFakeFlink();
  engine = adapter();
});
afterEach(() => flink.close());

const adapter = (more: Partial<FlinkEngineConfig> = {}, now?: () => number): EnginePort =>
  adapterOf(join(folder, 'jobs.jar'), more, now);

function adapterOf(jar: string, more: Partial<FlinkEngineConfig> = {}, now: () => number = Date.now): EnginePort {
  return createFlinkEngine(
    {
      cluster: 'test',
      restUrl: flink.url,
      resolveMs: 400,
      refusedMs: 60,
      cancelMs: 1_000,
      lookMs: 10,
      ...more,
    },
    { jars: createJarCatalog({ flink: jar, spark: jar, 'kafka-streams': jar }), objects, now },
  );
}

const spec = (more = {}) => testSpec('flink', KEY, { resources: { parallelism: 2 }, ...more });
const handle = (more = {}): JobHandle => ({ key: KEY, spec: spec(more) });
const runs = () => flink.requests.filter((request) => request.path.endsWith('/run'));

function job(state: string, more: Partial<FakeFlinkJob> = {}): FakeFlinkJob {
  const one = { jid: KEY, name: 'x', state, tasks: { total: 1, running: 1 }, restarts: 0, ...more };
  flink.jobs.set(KEY, one);
  return one;
}

describe('Flink adapter: submitting', () => {
  it('runs the jar under our id with its arguments, and uploads one content once', async () => {
    await engine.submit(spec({ restoreFrom: 's3://sp/1' }), KEY);
    const body = JSON.parse(runs()[0]?.body.toString() ?? '{}') as Record<string, unknown>;
    assert.equal(body['jobId'], KEY);
    assert.equal(body['parallelism'], 2);
    assert.equal(body['savepointPath'], 's3://sp/1');
    assert.equal(body['allowNonRestoredState'], false);
    assert.equal((body['programArgsList'] as string[])[0], '--spec');
    const other = 'b'.repeat(32);
    await engine.submit(testSpec('flink', other), other);
    assert.equal(flink.jars.length, 1);
    assert.match(flink.jars[0]?.name ?? '', /^jobs-[0-9a-f]{64}\.jar$/);
  });

  it('keeps one copy of a jar whatever its name and however many jobs start together', async () => {
    const renamed = join(folder, 'renamed.jar');
    await writeJar(renamed);
    const keys = ['b', 'c', 'd'].map((letter) => letter.repeat(32));
    await Promise.all(keys.map((key) => engine.submit(testSpec('flink', key), key)));
    await adapterOf(renamed).submit(spec(), KEY);
    assert.equal(runs().length, 4);
    assert.equal(flink.jars.length, 1);
  });

  it('refuses a jar without the main class before anything is uploaded or run', async () => {
    const classless = join(folder, 'classless.jar');
    await writeJar(classless, ['a.Other']);
    await assert.rejects(
      adapterOf(classless).submit(spec(), KEY),
      (error) =>
        isSluiceError(error, 'ENGINE_REJECTED') &&
        !error.retryable &&
        error.message.includes(classless) &&
        error.message.includes('dev.sluice.test.Long'),
    );
    assert.deepEqual([flink.jars, runs()], [[], []]);
  });

  it('follows a job that appears after the request for it timed out', async () => {
    engine = adapter({ submitTimeoutMs: 300, resolveMs: 10_000 });
    flink.fault = (request) => {
      if (!request.path.endsWith('/run')) return undefined;
      setTimeout(() => job('RUNNING'), 600);
      return 'hang';
    };
    const seen = await engine.submit(spec(), KEY);
    assert.equal(seen.state, 'running');
    assert.equal(runs().length, 1, 'never posted again within one call');
  });

  it('keeps an outcome unknown when nothing appears: retryable, and no verdict on the job', async () => {
    flink.fault = (request) => (request.path.endsWith('/run') ? 'drop' : undefined);
    await assert.rejects(
      engine.submit(spec(), KEY),
      (error) => isSluiceError(error, 'ENGINE_UNREACHABLE') && error.retryable,
    );
  });

  it('does not believe a main method that blames a slow server: the job may come up all the same', async () => {
    const text =
      'x.RestHandlerException: y\nCaused by: org.apache.flink.client.program.ProgramInvocationException: z\n' +
      'Caused by: java.util.concurrent.TimeoutException: no answer from the dispatcher';
    flink.fault = (request) => (request.path.endsWith('/run') ? { status: 400, json: { errors: [text] } } : undefined);
    await assert.rejects(engine.submit(spec(), KEY), (error) => isSluiceError(error, 'ENGINE_UNREACHABLE'));
  });

  it('calls a class that is not in the jar the fault of the user although Flink answers 500', async () => {
    const text =
      'x.RestHandlerException: y\n' +
      "Caused by: org.apache.flink.client.program.ProgramInvocationException: The program's entry point class 'a.B' was not found in the jar file.\n" +
      'Caused by: java.lang.ClassNotFoundException: a.B';
    flink.fault = (request) => (request.path.endsWith('/run') ? { status: 500, json: { errors: [text] } } : undefined);
    const seen = await engine.submit(spec(), KEY);
    assert.deepEqual([seen.state, seen.blame, seen.reason], ['failed', 'user', 'ClassNotFoundException: a.B']);
  });

  it('takes refused and not found for lost, unless the manifest proves success', async () => {
    flink.accepted.push(KEY);
    const lost = await engine.submit(spec(), KEY);
    assert.equal(lost.state, 'lost');
    objects.objects.set('s3://lake/x/_manifest.json', '{}');
    const done = await engine.submit(spec({ outputPrefix: 's3://lake/x/' }), KEY);
    assert.equal(done.state, 'succeeded');
    assert.equal(runs().length, 1, 'what is proven finished is not even posted');
  });
});

describe('Flink adapter: reading states', () => {
  it('says why nothing runs, and tells a job that never began from one that lost its tasks', async () => {
    job('RUNNING', { tasks: { total: 2, scheduled: 2 } });
    const waiting = await engine.observe(handle());
    assert.equal(waiting.state, 'starting');
    assert.match(waiting.reason ?? '', /0 of 2 tasks run/);
    job('RUNNING');
    assert.equal((await engine.observe(handle())).state, 'running');
    job('RUNNING', { tasks: { total: 2, scheduled: 2 } });
    assert.equal((await engine.observe(handle())).state, 'restarting');
    assert.equal((await engine.observeAll([handle()])).get(KEY)?.state, 'restarting');
    engine = adapter();
    assert.equal((await engine.observeAll([{ ...handle(), ran: true }])).get(KEY)?.state, 'restarting');
  });

  it('counts an end also when the cluster refuses its details, waits for details that may come, and skips no other job', async () => {
    const other = 'b'.repeat(32);
    flink.jobs.set(other, {
      jid: other,
      name: 'other',
      state: 'RUNNING',
      tasks: { total: 1, running: 1 },
      restarts: 0,
    });
    job('FAILED');
    const both = [handle(), { ...handle(), key: other }];
    flink.fault = ({ path }) => (/exceptions|checkpoints/.test(path) ? { status: 503 } : undefined);
    const away = await engine.observeAll(both);
    assert.deepEqual([away.get(KEY), away.get(other)?.state], [undefined, 'running']);
    flink.fault = ({ path }) => (/exceptions|checkpoints/.test(path) ? { status: 403 } : undefined);
    const refused = await engine.observeAll(both);
    assert.deepEqual([refused.get(KEY)?.state, refused.get(other)?.state], ['failed', 'running']);
    assert.match(refused.get(KEY)?.reason ?? '', /Flink says FAILED and refuses to say more/);
  });

  it('ends a job only with FINISHED, FAILED or CANCELED, and shows what comes before as it is', async () => {
    const said: string[] = [];
    const words = 'INITIALIZING CREATED RUNNING RESTARTING FAILING SUSPENDED RECONCILING RUNNING CANCELLING WHATEVER';
    for (const word of words.split(' ')) {
      job(word);
      const seen = await engine.observe(handle());
      assert.equal((await engine.observeAll([handle()])).get(KEY)?.state, seen.state);
      assert.ok(!isTerminal(seen.state), word);
      said.push(seen.state);
    }
    const expected =
      'starting starting running restarting stopping restarting restarting running stopping unknown'.split(' ');
    assert.deepEqual(said, expected);
    for (const [word, state] of [
      ['FINISHED', 'succeeded'],
      ['FAILED', 'failed'],
      ['CANCELED', 'cancelled'],
    ] as const) {
      engine = adapter();
      job(word);
      assert.equal((await engine.observe(handle())).state, state);
    }
  });

  it('gives checkpoints, restarts and the reason of the last restart', async () => {
    job('RUNNING', {
      checkpoint: 'file:///cp/7',
      restarts: 3,
      stacktrace: 'java.lang.IllegalStateException: bad row\n\tat a',
    });
    const seen = await engine.observe(handle());
    assert.equal(seen.restorePoint, 'file:///cp/7');
    assert.equal(seen.restarts, 3);
    assert.equal(seen.reason, 'last restart: IllegalStateException: bad row');
    assert.equal(seen.blame, undefined);
    assert.deepEqual(seen.progress, { checkpoints: 7, failedCheckpoints: 0 });
  });

  it('classifies failures: code of the job, or a platform without slots', async () => {
    job('FAILED', { stacktrace: 'java.lang.ArithmeticException: / by zero\n\tat a', checkpoint: 'file:///cp/9' });
    const user = await engine.observe(handle());
    assert.deepEqual(
      [user.blame, user.reason, user.restorePoint],
      ['user', 'ArithmeticException: / by zero', 'file:///cp/9'],
    );
    engine = adapter();
    job('FAILED', {
      stacktrace:
        'org.apache.flink.runtime.JobException: Recovery is suppressed\nCaused by: org.apache.flink.runtime.jobmanager.scheduler.NoResourceAvailableException: no slots',
    });
    assert.equal((await engine.observe(handle())).blame, 'resources');
  });

  it('asks once for a whole list, and for more only when a job ended', async () => {
    const keys = Array.from({ length: 40 }, (_, index) => `${'b'.repeat(30)}${String(index).padStart(2, '0')}`);
    for (const key of keys)
      flink.jobs.set(key, { jid: key, name: 'x', state: 'RUNNING', tasks: { total: 1, running: 1 }, restarts: 0 });
    const handles = keys.map((key) => ({ key, spec: testSpec('flink', key) }));
    engine = adapter({}, () => 0);
    const perRound: number[] = [];
    for (let round = 0; round < 25; round += 1) {
      const before = flink.requests.length;
      await engine.observeAll(handles);
      perRound.push(flink.requests.length - before);
    }
    const expected = Array.from({ length: 25 }, (_, round) => (round < 20 ? 3 : 1));
    assert.deepEqual(perRound, expected, 'the list, and checkpoints of two at most');
    const details = flink.requests.map(({ path }) => path).filter((path) => path !== '/jobs/overview');
    assert.deepEqual(details.sort(), keys.map((key) => `/jobs/${key}/checkpoints`).sort(), 'each in its turn');
    const [first] = flink.jobs.values();
    Object.assign(first ?? {}, { state: 'FAILED', stacktrace: 'java.lang.Error: x' });
    const ended = (await engine.observeAll(handles)).get(keys[0] ?? '');
    assert.deepEqual([ended?.state, ended?.reason], ['failed', 'Error: x']);
    const asked = flink.requests.length;
    await engine.observeAll(handles);
    assert.equal(flink.requests.length - asked, 1, 'an ended job is not asked about again');
  });

  it('learns new checkpoints of a running job from time to time, so that they are known when the cluster is lost', async () => {
    let nowMs = 0;
    engine = adapter({}, () => nowMs);
    const one = job('RUNNING');
    const listed = async () => (await engine.observeAll([handle({ intentAtMs: 0 })])).get(KEY);
    assert.equal((await listed())?.restorePoint, undefined);
    one.checkpoint = 'file:///cp/7';
    nowMs = 9_000;
    assert.equal((await listed())?.restorePoint, undefined, 'not yet its turn');
    nowMs = 10_000;
    const seen = await listed();
    assert.deepEqual(
      [seen?.state, seen?.restorePoint, seen?.progress],
      ['running', 'file:///cp/7', { checkpoints: 7, failedCheckpoints: 0 }],
    );
    nowMs = 130_000;
    await listed();
    nowMs = 150_000;
    assert.equal((await listed())?.restorePoint, undefined, 'an old job is asked less often');
    nowMs = 160_000;
    assert.equal((await listed())?.restorePoint, 'file:///cp/7');
  });

  it('keeps what the list says when the checkpoints of a job are not to be had', async () => {
    job('RUNNING');
    for (const fault of ['drop', { status: 503 }, { status: 400 }, { status: 404 }] as const) {
      engine = adapter();
      flink.fault = ({ path }) => (path.endsWith('/checkpoints') ? fault : undefined);
      assert.equal((await engine.observeAll([handle()])).get(KEY)?.state, 'running');
    }
  });

  it('gives no verdict on a job it does not know, and no terminal state while the cluster is away', async () => {
    assert.equal((await engine.observe(handle())).state, 'unknown');
    engine = adapter({ timeoutMs: 300 });
    for (const fault of [
      'hang',
      'drop',
      { status: 503 },
      { text: '<html>' },
      { json: { state: 'FINISHED' } },
    ] as const) {
      flink.fault = () => fault;
      await assert.rejects(engine.observe(handle()), (error) => isSluiceError(error, 'ENGINE_UNREACHABLE'));
      await assert.rejects(engine.observeAll([handle()]), (error) => isSluiceError(error, 'ENGINE_UNREACHABLE'));
    }
  });

  it('believes a batch job only with its manifest', async () => {
    job('FINISHED', { tasks: { total: 1, finished: 1 } });
    const batch = handle({ outputPrefix: 's3://lake/y/' });
    const without = await engine.observe(batch);
    assert.deepEqual([without.state, without.reason], ['failed', 'finished without a manifest']);
    engine = adapter();
    objects.objects.set('s3://lake/y/_manifest.json', '{}');
    assert.equal((await engine.observe(batch)).state, 'succeeded');
  });

  it('shows the history of exceptions as its log', async () => {
    job('RUNNING', { stacktrace: 'java.lang.Error: x\n\tat y' });
    assert.match(await engine.logs(handle(), 1_000), /1970-01-01T00:00:00\.001Z task\njava\.lang\.Error: x/);
    assert.equal((await engine.logs(handle(), 5)).length, 5);
  });
});
