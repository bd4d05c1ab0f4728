/** Logs of ended jobs on a real Postgres and a real S3, with a fake engine: kept once, without credentials, and never for ever. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { keepLogs, LOG_BYTES, logUrl } from '../../activities/job-logs.js';
import type { EnginePort } from '../../engines/port.js';
import { SluiceError } from '../../infra/errors.js';
import { getEngineJob, recordObservation } from '../../infra/postgres/engine-jobs.js';
import { MAX_LOG_TRIES } from '../../infra/postgres/job-logs.js';
import type { ObjectStore } from '../../infra/s3/object-store.js';
import { createTestDatabase, NO_DATABASE, type TestDatabase } from '../support/curated-database.js';
import { createFakeEngine, FakeCluster } from '../support/fake-engine.js';
import { testSpec } from '../support/job-specs.js';
import { NO_SERVERS, testStore } from '../support/source-load.js';
import { addJob, addRunningJob } from '../support/workflow-control-store.js';
import { createTestDeps } from '../support/workflow-deps.js';

const BUCKET = 'lake';
const MINUTE_MS = 60_000;

describe('kept logs', { skip: NO_DATABASE || NO_SERVERS, concurrency: 2 }, () => {
  let database: TestDatabase;
  let store: ObjectStore;
  let close: () => void;
  let counter = 0;
  const urls: string[] = [];
  before(async () => {
    database = await createTestDatabase();
    ({ store, close } = await testStore(BUCKET));
  });
  after(async () => {
    for (const url of urls) await store.removeAll(url);
    close?.();
    await database?.close({ keep: false });
  });

  /** A cluster of its own, with a switch for what its log requests do. */
  function createCluster() {
    counter += 1;
    const name = `logs-${counter}`;
    const cluster = new FakeCluster();
    const made = createTestDeps(database, cluster);
    const { deps } = made;
    const advance = (ms: number): void => made.advance(ms);
    deps.objects = store;
    const asked: string[] = [];
    const faults = new Map<string, Error>();
    const real = createFakeEngine(cluster, { name: 'flink', clusterName: name });
    const port: EnginePort = {
      ...real,
      logs: (handle, maxBytes, signal) => {
        asked.push(handle.key);
        const fault = faults.get(handle.key);
        return fault ? Promise.reject(fault) : real.logs(handle, maxBytes, signal);
      },
    };
    const environment = new MockActivityEnvironment();
    const keep = (signal = new AbortController().signal): Promise<number> => {
      const call = (): Promise<number> => keepLogs(deps, port, name, signal);
      return environment.run<[], number, typeof call>(call);
    };

    async function addEnded(label: string, state = 'failed', log?: string): Promise<string> {
      const key = `${name}-${label}`;
      urls.push(logUrl(BUCKET, key));
      await port.submit(testSpec('flink', key), key);
      await addRunningJob(database.pool, key, { cluster: name });
      const job = cluster.jobs.get(key);
      assert.ok(job);
      if (log !== undefined) job.log = log;
      await recordObservation(database.pool, key, { state, nativeState: state.toUpperCase(), terminal: true });
      return key;
    }
    const row = async (key: string) => {
      const found = await getEngineJob(database.pool, key);
      assert.ok(found, key);
      return found;
    };
    return { name, cluster, port, keep, addEnded, row, asked, faults, advance };
  }

  test('a log is copied once, and stays when the engine has forgotten the job', async () => {
    const { cluster, keep, addEnded, row, asked } = createCluster();
    const key = await addEnded('once', 'failed', 'first line\ncolumn sales not found: Köln\n');
    assert.equal(await keep(), 1);
    cluster.forget(key);
    assert.equal(await keep(), 0);
    assert.deepEqual(asked, [key]);
    const kept = await row(key);
    assert.equal(kept.log_url, `s3://${BUCKET}/_logs/${key}.log`);
    assert.ok(kept.log_kept_at);
    assert.equal(await store.getText(logUrl(BUCKET, key)), 'first line\ncolumn sales not found: Köln\n');
  });

  test('only what was submitted here and has ended is asked for', async () => {
    const { name, port, keep, addEnded, asked } = createCluster();
    const other = createCluster();
    await other.addEnded('elsewhere');
    await addJob(database.pool, `${name}-intent`, { cluster: name });
    await recordObservation(database.pool, `${name}-intent`, {
      state: 'cancelled',
      nativeState: 'WITHDRAWN',
      terminal: true,
    });
    await port.submit(testSpec('flink', `${name}-runs`), `${name}-runs`);
    await addRunningJob(database.pool, `${name}-runs`, { cluster: name });
    const ended = await addEnded('ended', 'succeeded', 'all is well\n');
    assert.equal(await keep(), 1);
    assert.deepEqual(asked, [ended]);
  });

  test('credentials are masked, also where the cut would leave half of one', async () => {
    const { keep, addEnded } = createCluster();
    const key = await addEnded(
      'secrets',
      'failed',
      'connecting to postgres://writer:hunter2@db:5432/lake\nfs.s3a.secret.key=hunter3\n',
    );
    const line = 'password=hunter4 and more\n';
    const end = '\nlast line\n';
    const filler = 'x'.repeat(LOG_BYTES - line.length - end.length + 'password=hu'.length);
    const cutKey = await addEnded('cut', 'failed', line + filler + end);
    assert.equal(await keep(), 2);
    const text = (await store.getText(logUrl(BUCKET, key))) ?? '';
    assert.match(text, /connecting to postgres:/);
    assert.match(text, /fs\.s3a\.secret\.key=\*\*\*/);
    const cut = (await store.getText(logUrl(BUCKET, cutKey))) ?? '';
    assert.match(cut, /last line\n$/);
    assert.doesNotMatch(text + cut, /hunter|nter/);
  });

  test('keeps the end of a long log, in whole lines', async () => {
    const { keep, addEnded } = createCluster();
    const lines = Array.from({ length: 40_000 }, (_, index) => `line ${index} of München\n`);
    const key = await addEnded('long', 'failed', lines.join(''));
    await keep();
    const text = (await store.getText(logUrl(BUCKET, key))) ?? '';
    assert.ok(Buffer.byteLength(text) <= LOG_BYTES && Buffer.byteLength(text) > LOG_BYTES - 100);
    assert.match(text, /^line \d+ of München\n/);
    assert.ok(text.endsWith('line 39999 of München\n'));
  });

  test('a log that cannot be had stops no other, is tried again later, and in the end given up', async () => {
    const { cluster, keep, addEnded, row, asked, faults, advance } = createCluster();
    const bad = await addEnded('bad');
    const good = await addEnded('good', 'failed', 'reason\n');
    faults.set(bad, new SluiceError('ENGINE_UNREACHABLE', 'the worker page does not answer'));
    assert.equal(await keep(), 1);
    assert.ok((await row(good)).log_url);
    assert.deepEqual([(await row(bad)).log_tries, (await row(bad)).log_kept_at], [1, null]);
    assert.equal(await keep(), 0);
    assert.deepEqual(asked, [bad, good], 'the next try has its time');
    for (let call = 0; call < MAX_LOG_TRIES + 2; call += 1) {
      advance(10 * MINUTE_MS);
      await keep();
    }
    assert.equal(asked.filter((key) => key === bad).length, MAX_LOG_TRIES);
    assert.equal(MAX_LOG_TRIES, 5);
    const given = await row(bad);
    assert.deepEqual([given.log_tries, given.log_url], [5, null]);
    assert.ok(given.log_kept_at);
    assert.ok(cluster.jobs.has(bad));
  });

  test('an engine that comes back within the tries still gives its log', async () => {
    const { cluster, keep, addEnded, row, advance } = createCluster();
    const key = await addEnded('back', 'failed', 'late reason\n');
    cluster.away = true;
    assert.equal(await keep(), 0);
    advance(MINUTE_MS);
    assert.equal(await keep(), 0);
    cluster.away = false;
    assert.equal(await keep(), 1);
    assert.deepEqual([(await row(key)).log_tries, await store.getText(logUrl(BUCKET, key))], [2, 'late reason\n']);
  });

  test('no log is an answer for what ended well, and a reason to ask again for what failed', async () => {
    const { keep, addEnded, row } = createCluster();
    const well = await addEnded('well', 'succeeded', '');
    const failed = await addEnded('failed', 'failed', '');
    assert.equal(await keep(), 0);
    const [ok, again] = [await row(well), await row(failed)];
    assert.ok(ok.log_kept_at);
    assert.deepEqual([ok.log_url, ok.log_tries], [null, 0]);
    assert.deepEqual([again.log_kept_at, again.log_tries], [null, 1]);
  });

  test('a crowd is worked off twenty at a time, the oldest end first', async () => {
    const { keep, addEnded, asked } = createCluster();
    const keys: string[] = [];
    for (let index = 0; index < 23; index += 1) keys.push(await addEnded(`crowd-${index}`, 'succeeded', `${index}\n`));
    assert.equal(await keep(), 20);
    assert.deepEqual(asked, keys.slice(0, 20));
    assert.equal(await keep(), 3);
    assert.deepEqual(asked, keys);
  });

  test('a store that is away is a try in vain', async () => {
    const { keep, addEnded, row, cluster } = createCluster();
    const key = await addEnded('no-store', 'failed', 'reason\n');
    const own = createTestDeps(database, cluster).deps;
    own.objects = { ...store, putText: () => Promise.reject(new SluiceError('STORE_UNREACHABLE', 'S3 is away')) };
    const { cluster: name } = await row(key);
    const call = (): Promise<number> => keepLogs(own, own.engine('flink', name), name, new AbortController().signal);
    assert.equal(await new MockActivityEnvironment().run<[], number, typeof call>(call), 0);
    assert.deepEqual([(await row(key)).log_tries, (await row(key)).log_url], [1, null]);
    assert.equal(await keep(), 0);
  });

  test('a watcher that is cancelled counts no try', async () => {
    const { keep, addEnded, row, faults } = createCluster();
    const key = await addEnded('cancelled');
    const controller = new AbortController();
    controller.abort(new Error('handed over'));
    faults.set(key, new Error('handed over'));
    assert.equal(await keep(controller.signal), 0);
    assert.deepEqual([(await row(key)).log_tries, (await row(key)).log_kept_at], [0, null]);
  });
});
