/** The Spark adapter against a master that misbehaves: silent answers, relaunches, lost claims, forgotten drivers, no cores. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { createJarCatalog } from '../../../../engines/artifacts.js';
import { isTerminal } from '../../../../engines/job-state.js';
import type { EnginePort, JobHandle } from '../../../../engines/port.js';
import { createSparkEngine } from '../../../../engines/spark/engine.js';
import type { SparkEngineConfig } from '../../../../engines/spark/engine.js';
import type { DriverLedger } from '../../../../engines/spark/identity.js';
import { isSluiceError } from '../../../../infra/errors.js';
import { startFakeSpark } from '../../../support/fake-spark-server.js';
import type { FakeApp, FakeDriver, FakeSpark } from '../../../support/fake-spark-server.js';
import { writeJar } from '../../../support/jars.js';
import { testSpec } from '../../../support/job-specs.js';
import { createMemoryObjects } from '../../../support/memory-objects.js';
import type { MemoryObjects } from '../../../support/memory-objects.js';

const KEY = 'a'.repeat(32);
const PREFIX = `s3://lake/p/1997-01-01/daily/${KEY}`;
const MINE = 'driver-20260301020000-0007';
const TWIN = 'driver-20260301020100-0008';

let folder: string;
let spark: FakeSpark;
let objects: MemoryObjects;
let engine: EnginePort;
let known: Map<string, string>;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-spark-'));
  await writeJar(join(folder, 'jobs.jar'));
});
after(() => rm(folder, { recursive: true, force: true }));

beforeEach(async () => {
  spark = await startFakeSpark();
  objects = createMemoryObjects();
  known = new Map();
  engine = adapter();
});
afterEach(() => spark.close());

function adapter(more: Partial<SparkEngineConfig> = {}): EnginePort {
  const jar = join(folder, 'jobs.jar');
  const ledger: DriverLedger = {
    keysOf: async (ids) => new Map([...known].filter(([id]) => ids.includes(id))),
  };
  return createSparkEngine(
    {
      cluster: 'test',
      restUrl: spark.url,
      uiUrl: spark.url,
      bucket: 'lake',
      properties: { 'spark.eventLog.enabled': 'true' },
      resolveMs: 300,
      cancelMs: 2_000,
      lookMs: 10,
      ...more,
    },
    { jars: createJarCatalog({ flink: jar, spark: jar, 'kafka-streams': jar }), objects, ledger },
  );
}

const spec = () =>
  testSpec('spark', KEY, {
    outputPrefix: `${PREFIX}/`,
    mainClass: 'dev.sluice.spark.SqlRunner',
    resources: { cores: 2, memoryMb: 1024, driverMemoryMb: 512 },
  });
const handle = (engineJobId: string = MINE): JobHandle => ({ key: KEY, spec: spec(), engineJobId });

function driver(id: string, state: string, more: Partial<FakeDriver> = {}): FakeDriver {
  const one: FakeDriver = {
    id,
    state,
    starttime: String(Date.now()),
    worker: 'worker-1',
    mainclass: 'dev.sluice.spark.SqlRunner',
    appName: `sluice:test:${KEY} contract/spark`,
    properties: {},
    document: {},
    ...more,
  };
  spark.drivers.set(id, one);
  return one;
}

function app(state: string, cores: number, more: Partial<FakeApp> = {}): FakeApp {
  const one: FakeApp = { id: 'app-1', name: `sluice:test:${KEY} contract/spark`, starttime: 1, cores, state, ...more };
  spark.apps.set(one.id, one);
  return one;
}

const claim = (driverId: string) =>
  objects.objects.set(`${PREFIX}/_claim`, JSON.stringify({ driverId, appId: 'app-1' }));
const manifest = () => objects.objects.set(`${PREFIX}/_manifest.json`, '{}');
const posts = () => spark.requests.filter((request) => request.path.endsWith('/create')).length;

describe('Spark adapter: reading states', () => {
  it('treats answers that say nothing as no answer, never as an end (timeouts, HTML, a status without a state)', async () => {
    engine = adapter({ timeoutMs: 1_500 });
    driver(MINE, 'RUNNING');
    app('RUNNING', 2);
    claim(MINE);
    const isStatus = (path: string) => path.includes('/status/');
    const script = [
      undefined,
      undefined,
      undefined,
      'hang' as const,
      { status: 502, text: '<html>Bad Gateway</html>' },
      { json: { success: true } },
      undefined,
    ];
    const seen: string[] = [];
    for (const fault of script) {
      spark.fault = (request) => (isStatus(request.path) ? fault : undefined);
      try {
        seen.push((await engine.observe(handle())).state);
      } catch (error) {
        assert.ok(isSluiceError(error, 'ENGINE_UNREACHABLE') && error.retryable);
        seen.push('no answer');
      }
    }
    assert.deepEqual(seen, ['running', 'running', 'running', 'no answer', 'no answer', 'no answer', 'running']);
    spark.fault = undefined;
    driver(MINE, 'FINISHED');
    manifest();
    assert.equal((await engine.observe(handle())).state, 'succeeded');
    assert.equal(posts(), 0);
  });

  it('counts a master that is not alive as no answer', async () => {
    spark.status = 'RECOVERING';
    await assert.rejects(engine.observeAll([handle()]), (error) => isSluiceError(error, 'ENGINE_UNREACHABLE'));
  });

  it('shows a relaunched driver as restarting, follows the successor by its claim, and ends once', async () => {
    claim(MINE);
    app('RUNNING', 2);
    const states: string[] = [];
    const look = async () => states.push((await engine.observe(handle())).state);
    spark.apps.clear();
    driver(MINE, 'SUBMITTED');
    await look();
    driver(MINE, 'RUNNING');
    app('RUNNING', 2);
    await look();
    driver(MINE, 'RELAUNCHING');
    await look();
    driver(TWIN, 'SUBMITTED');
    claim(TWIN);
    app('FINISHED', 0);
    await look();
    driver(TWIN, 'RUNNING');
    app('RUNNING', 2, { id: 'app-2' });
    await look();
    driver(TWIN, 'FINISHED');
    manifest();
    await look();
    assert.deepEqual(states, ['starting', 'running', 'restarting', 'starting', 'running', 'succeeded']);
  });

  it('does not take a running driver for progress: no application, then no core, both say why', async () => {
    driver(MINE, 'RUNNING');
    claim(MINE);
    const first = await engine.observe(handle());
    assert.equal(first.state, 'starting');
    assert.match(first.reason ?? '', /no application yet; 0 of 4 cores/);
    app('WAITING', 0);
    const second = await engine.observe(handle());
    assert.equal(second.state, 'starting');
    assert.match(second.reason ?? '', /WAITING with 0 cores; 0 of 4 cores and 3072 of 4096 MB free/);
  });

  it('believes FINISHED only with a manifest, and a manifest whatever the driver says', async () => {
    driver(MINE, 'FINISHED');
    const without = await engine.observe(handle());
    assert.equal(without.state, 'failed');
    assert.equal(without.reason, 'finished without a manifest');
    engine = adapter();
    driver(MINE, 'FAILED');
    manifest();
    assert.equal((await engine.observe(handle())).state, 'succeeded');
    engine = adapter();
    spark.drivers.clear();
    const gone = await engine.observe(handle());
    assert.equal(gone.state, 'succeeded');
    assert.equal(gone.nativeState, 'NOT_FOUND');
  });

  it('does not believe a driver that finished when its application failed, manifest or not', async () => {
    driver(MINE, 'FINISHED');
    app('FAILED', 0);
    manifest();
    const seen = await engine.observe(handle());
    assert.deepEqual([seen.state, seen.blame], ['failed', 'platform']);
    assert.match(seen.reason ?? '', /application app-1 failed/);
    assert.equal((await engine.observeAll([handle()])).get(KEY)?.state, 'failed');
  });

  it('gives no verdict on a driver that the master does not know', async () => {
    const seen = await engine.observe(handle());
    assert.equal(seen.state, 'unknown');
    assert.equal(isTerminal(seen.state), false);
    assert.equal(await engine.find(handle()), undefined);
  });

  it('tells a job that lost its executors from one that never had any, also in a process that saw neither', async () => {
    driver(MINE, 'RUNNING');
    app('WAITING', 0);
    claim(MINE);
    assert.equal((await engine.observeAll([handle()])).get(KEY)?.state, 'starting');
    engine = adapter();
    assert.equal((await engine.observeAll([{ ...handle(), ran: true }])).get(KEY)?.state, 'restarting');
  });

  it('asks for the master page once per list, also when jobs have ended and their logs are kept', async () => {
    driver(MINE, 'FAILED');
    claim(MINE);
    spark.log = 'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space\n';
    const seen = (await engine.observeAll([handle()])).get(KEY);
    assert.deepEqual([seen?.state, seen?.outOfMemory], ['failed', true]);
    assert.match(await engine.logs(handle(), 10_000), /Java heap space/);
    assert.equal(spark.requests.filter(({ path }) => path === '/json/').length, 1);
  });

  it('does not call a lost claim a failure: the driver that holds it is the job', async () => {
    driver(MINE, 'FAILED');
    driver(TWIN, 'RUNNING');
    app('RUNNING', 2);
    claim(TWIN);
    const alone = await engine.observe(handle());
    assert.equal(alone.state, 'running');
    assert.equal(alone.engineJobId, TWIN);
    const listed = (await engine.observeAll([handle()])).get(KEY);
    assert.equal(listed?.state, 'running');
    assert.equal(listed?.engineJobId, TWIN);
  });

  it('reads the reason from the job itself, else from its log, else blames nobody but the platform', async () => {
    driver(MINE, 'FAILED');
    claim(MINE);
    const note = '{"class":"org.apache.spark.SparkException","message":"executor lost","blame":"resources"}';
    objects.objects.set(`${PREFIX}/_failure.json`, note);
    const noted = await engine.observe(handle());
    assert.deepEqual([noted.blame, noted.outOfMemory], ['resources', true]);
    engine = adapter();
    objects.objects.delete(`${PREFIX}/_failure.json`);
    spark.log =
      'INFO x\nSLUICE_FAILURE {"class":"dev.sluice.spark.JobSpec$BadSpec","message":"no key","blame":"user"}\n';
    const logged = await engine.observe(handle());
    assert.deepEqual([logged.blame, logged.reason], ['user', 'JobSpec$BadSpec: no key']);
    engine = adapter();
    spark.fault = (request) => (request.path === '/log' ? { status: 500 } : undefined);
    const silent = await engine.observe(handle());
    assert.deepEqual([silent.state, silent.blame], ['failed', 'platform']);
    assert.match(silent.reason ?? '', /log is gone/);
  });

  it('counts an end of the list also when the master refuses the status, and waits for a status that may come', async () => {
    driver(MINE, 'FAILED');
    claim(MINE);
    spark.log = 'Exception in thread "main" java.lang.IllegalStateException: no such column\n';
    spark.fault = ({ path }) => (path.includes('/submissions/status/') ? { status: 503 } : undefined);
    assert.equal((await engine.observeAll([handle()])).get(KEY), undefined);
    spark.fault = ({ path }) => (path.includes('/submissions/status/') ? { status: 403 } : undefined);
    const seen = (await engine.observeAll([handle()])).get(KEY);
    assert.deepEqual([seen?.state, seen?.blame], ['failed', 'user']);
    assert.match(seen?.reason ?? '', /no such column/);
  });

  it('says of a log that cannot be read now that its worker does not answer, not that there is none', async () => {
    driver(MINE, 'FAILED');
    claim(MINE);
    spark.fault = (request) => (request.path === '/log' ? { status: 503 } : undefined);
    await assert.rejects(engine.logs(handle(), 1_000), (error) => isSluiceError(error, 'ENGINE_UNREACHABLE'));
    spark.fault = undefined;
    spark.log = 'the last words\n';
    assert.equal(await engine.logs(handle(), 1_000), 'the last words\n');
  });

  it('does not blame a driver that was killed for what it had survived before', async () => {
    driver(MINE, 'FAILED');
    claim(MINE);
    spark.log =
      'WARN TaskSetManager: Lost task 0.0\njava.lang.IllegalStateException: a row that a second try could read\n\tat a.B.c(B.java:1)\n' +
      'INFO going on\n';
    const killed = await engine.observe(handle());
    assert.deepEqual([killed.state, killed.blame, killed.outOfMemory], ['failed', 'platform', false]);
    engine = adapter();
    spark.log += 'Exception in thread "main" java.lang.ClassNotFoundException: dev.sluice.spark.SqlRuner\n\tat a.B\n';
    const uncaught = await engine.observe(handle());
    assert.deepEqual([uncaught.blame, uncaught.reason], ['user', 'ClassNotFoundException: dev.sluice.spark.SqlRuner']);
  });

  it('follows a driver whose worker was lost for as long as its application lives', async () => {
    driver(MINE, 'ERROR');
    const alive = app('RUNNING', 2);
    claim(MINE);
    assert.equal((await engine.observe(handle())).state, 'running');
    assert.equal((await engine.observeAll([handle()])).get(KEY)?.state, 'running');
    alive.state = 'FINISHED';
    manifest();
    assert.equal((await engine.observe(handle())).state, 'succeeded');
  });

  it('calls a driver of a lost worker failed once its application has ended', async () => {
    driver(MINE, 'ERROR');
    app('FAILED', 0);
    claim(MINE);
    const seen = await engine.observe(handle());
    assert.deepEqual([seen.state, seen.blame], ['failed', 'platform']);
  });

  it('shuts out a driver of a lost worker that has not claimed: nobody works beside the next submission', async () => {
    driver(MINE, 'ERROR');
    for (const look of ['first', 'second']) {
      const seen = await engine.observe(handle());
      assert.deepEqual([seen.state, seen.blame], ['failed', 'platform'], look);
    }
    assert.equal((await engine.observeAll([handle()])).get(KEY)?.state, 'failed');
    assert.match(String(objects.objects.get(`${PREFIX}/_claim`)), /shut-out/);
  });

  it('tells from what the job left behind how a driver ended that the master has forgotten, or that it lives', async () => {
    claim(MINE);
    const alive = app('RUNNING', 2);
    assert.deepEqual((await engine.observe(handle())).state, 'running');
    alive.state = 'FAILED';
    assert.equal((await engine.observe(handle())).state, 'unknown');
    objects.objects.set(`${PREFIX}/_failure.json`, JSON.stringify({ class: 'X', message: 'by zero', blame: 'user' }));
    const seen = await engine.observe(handle());
    assert.deepEqual([seen.state, seen.blame, seen.nativeState], ['failed', 'user', 'NOT_FOUND']);
  });

  it('asks the master once for a whole list, and skips no other job when the store is away', async () => {
    driver(MINE, 'RUNNING');
    app('RUNNING', 2);
    const others = Array.from({ length: 50 }, (_, index) => {
      const key = `${'b'.repeat(30)}${String(index).padStart(2, '0')}`;
      driver(`driver-${index}`, 'RUNNING', { appName: `sluice:test:${key} x` });
      return {
        key,
        spec: testSpec('spark', key, { outputPrefix: `s3://lake/${key}/` }),
        engineJobId: `driver-${index}`,
      };
    });
    const forgotten = {
      key: 'c'.repeat(32),
      spec: testSpec('spark', 'c'.repeat(32), { outputPrefix: 's3://lake/c/' }),
      engineJobId: 'driver-x',
    };
    const before = spark.requests.length;
    objects.away = true;
    const all = await engine.observeAll([handle(), ...others, forgotten]);
    assert.equal(spark.requests.length - before, 1);
    assert.equal(all.get(KEY)?.state, 'running');
    assert.equal(all.size, 51, 'only the job whose proof cannot be read is missing');
  });
});

describe('Spark adapter: submitting', () => {
  it('posts the driver with its identity, and uploads one jar content once', async () => {
    spark.onDriver = (one) => claim(one.id) && undefined;
    const first = await engine.submit(spec(), KEY);
    assert.equal(first.state, 'starting');
    const [posted] = spark.drivers.values();
    assert.equal(first.engineJobId, posted?.id);
    const { properties } = posted ?? driver('never', 'FAILED');
    assert.equal(properties['spark.app.name'], `sluice:test:${KEY} contract/spark`);
    assert.equal(properties['spark.sluice.key'], KEY);
    assert.equal(properties['spark.driver.supervise'], 'false');
    assert.equal(properties['spark.eventLog.enabled'], 'true');
    assert.equal(properties['spark.cores.max'], '2');
    assert.equal(properties['spark.executor.memory'], '1024m');
    assert.match(properties['spark.jars'] ?? '', /^s3a:\/\/lake\/_artifacts\/[0-9a-f]{64}\.jar$/);
    assert.equal([...objects.objects.keys()].filter((url) => url.includes('_artifacts')).length, 1);
    assert.equal((await engine.submit(spec(), KEY)).engineJobId, first.engineJobId);
    assert.equal(posts(), 1);
  });

  it('keeps one copy of a jar whatever its name, and refuses a bad one before it marks or posts anything', async () => {
    spark.onDriver = (one) => claim(one.id) && undefined;
    await engine.submit(spec(), KEY);
    const renamed = join(folder, 'renamed.jar');
    await writeJar(renamed);
    const other = 'b'.repeat(32);
    const next = (jar: string) => {
      const jars = createJarCatalog({ flink: jar, spark: jar, 'kafka-streams': jar });
      const config = {
        cluster: 'test',
        restUrl: spark.url,
        uiUrl: spark.url,
        bucket: 'lake',
        resolveMs: 300,
        lookMs: 10,
      };
      return createSparkEngine(config, { jars, objects });
    };
    const nextSpec = { ...spec(), outputPrefix: `s3://lake/p/${other}/` };
    await next(renamed).submit(nextSpec, other);
    assert.equal(posts(), 2);
    assert.equal([...objects.objects.keys()].filter((url) => url.includes('_artifacts')).length, 1);
    const classless = join(folder, 'classless.jar');
    await writeJar(classless, ['a.Other']);
    const third = { ...spec(), outputPrefix: 's3://lake/p/third/' };
    await assert.rejects(
      next(classless).submit(third, 'c'.repeat(32)),
      (error) => isSluiceError(error, 'ENGINE_REJECTED') && !error.retryable && error.message.includes(classless),
    );
    assert.equal(posts(), 2);
    assert.deepEqual(
      [...objects.objects.keys()].filter((url) => url.includes('/third/')),
      [],
    );
  });

  it('does not post again while an earlier post may be any of the drivers alive', async () => {
    objects.objects.set(`${PREFIX}/_submission`, JSON.stringify({ atMs: Date.now() - 3_600_000 }));
    driver(MINE, 'SUBMITTED');
    await assert.rejects(
      engine.submit(spec(), KEY),
      (error) => isSluiceError(error, 'JOB_NOT_READY') && error.retryable && error.message.includes(MINE),
    );
    assert.equal(posts(), 0);
    claim(MINE);
    assert.equal((await engine.submit(spec(), KEY)).engineJobId, MINE);
    assert.equal(posts(), 0);
  });

  it('waits for no stranger: other main classes, older drivers and those of other submissions', async () => {
    objects.objects.set(`${PREFIX}/_submission`, JSON.stringify({ atMs: Date.now() - 3_600_000 }));
    driver('driver-other-class', 'RUNNING', { mainclass: 'com.example.Etl' });
    driver('driver-older', 'RUNNING', { starttime: String(Date.now() - 120_000) });
    driver('driver-known', 'RUNNING');
    known.set('driver-known', 'f'.repeat(32));
    const seen = await engine.submit(spec(), KEY);
    assert.equal(posts(), 1);
    assert.match(seen.engineJobId ?? '', /^driver-2026/);
  });

  it('finds its driver by the ledger before any claim', async () => {
    driver(MINE, 'SUBMITTED');
    known.set(MINE, KEY);
    assert.equal((await engine.submit(spec(), KEY)).engineJobId, MINE);
    assert.equal(posts(), 0);
  });

  it('finds its driver by the note of a caller that died before the ledger', async () => {
    driver(MINE, 'SUBMITTED');
    objects.objects.set(`${PREFIX}/_driver`, JSON.stringify({ driverId: MINE }));
    assert.equal((await engine.submit(spec(), KEY)).engineJobId, MINE);
    assert.equal(posts(), 0);
  });

  it('keeps an unanswered post unknown, and the next call follows its driver', async () => {
    engine = adapter({ submitTimeoutMs: 300 });
    spark.fault = (request) => {
      if (!request.path.endsWith('/create')) return undefined;
      driver(MINE, 'SUBMITTED');
      return 'hang';
    };
    await assert.rejects(engine.submit(spec(), KEY), (error) => isSluiceError(error, 'ENGINE_UNREACHABLE'));
    spark.fault = undefined;
    await assert.rejects(engine.submit(spec(), KEY), (error) => isSluiceError(error, 'JOB_NOT_READY'));
    claim(MINE);
    assert.equal((await engine.submit(spec(), KEY)).engineJobId, MINE);
    assert.equal(posts(), 1);
  });

  it('rejects what the master calls malformed', async () => {
    spark.fault = (request) =>
      request.path.endsWith('/create') ? { status: 400, json: { message: 'Malformed request' } } : undefined;
    await assert.rejects(engine.submit(spec(), KEY), (error) => isSluiceError(error, 'ENGINE_REJECTED'));
  });

  it('does not submit what is proven finished', async () => {
    manifest();
    assert.equal((await engine.submit(spec(), KEY)).state, 'succeeded');
    assert.equal(posts(), 0);
  });

  it('asks for an output prefix', async () => {
    const without = testSpec('spark', KEY);
    await assert.rejects(engine.submit(without, KEY), (error) => isSluiceError(error, 'CONFIG_INVALID'));
  });
});

describe('Spark adapter: cancelling', () => {
  it('kills the recorded driver and the one with the claim, and waits until their application is gone', async () => {
    driver(MINE, 'RUNNING', { appName: 'x' });
    driver(TWIN, 'RUNNING', { appName: 'x' });
    claim(TWIN);
    const held = app('RUNNING', 2);
    let looks = 0;
    spark.fault = (request) => {
      if (request.path.startsWith('/json') && ++looks === 3) held.state = 'KILLED';
      return undefined;
    };
    const ended = await engine.cancel(handle());
    assert.equal(ended.state, 'cancelled');
    assert.deepEqual([spark.drivers.get(MINE)?.state, spark.drivers.get(TWIN)?.state], ['KILLED', 'KILLED']);
    assert.ok(looks >= 3, 'it looked until the application was gone');
  });

  it('ends the application of a driver that the master has given up with its worker', async () => {
    driver(MINE, 'ERROR');
    app('RUNNING', 2);
    claim(MINE);
    assert.equal(isTerminal((await engine.cancel(handle())).state), true);
    assert.equal(spark.apps.get('app-1')?.state, 'KILLED');
  });

  it('withdraws a submission whose driver nobody knows: a driver that comes up later finds the claim taken', async () => {
    const unknown: JobHandle = { key: KEY, spec: spec() };
    const ended = await engine.cancel(unknown);
    assert.deepEqual([ended.state, ended.nativeState], ['cancelled', 'WITHDRAWN']);
    assert.equal(await objects.putText(`${PREFIX}/_claim`, 'late', { ifNoneMatch: '*' }), false);
    assert.equal((await engine.observe(unknown)).state, 'cancelled');
    assert.equal((await engine.submit(spec(), KEY)).state, 'cancelled');
    assert.equal(posts(), 0);
  });
});
