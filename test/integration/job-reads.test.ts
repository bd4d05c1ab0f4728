/** What people can read of jobs, on a real Postgres and a real S3 with a fake engine: which run is meant, its submissions, its log. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { logUrl } from '../../activities/job-logs.js';
import { isSluiceError, SluiceError } from '../../infra/errors.js';
import { getEngineJob, recordObservation, type EngineJobRow } from '../../infra/postgres/engine-jobs.js';
import { countSubmissions, markLogKept, markLogTried, MAX_LOG_TRIES } from '../../infra/postgres/job-logs.js';
import { inTransaction } from '../../infra/postgres/pool.js';
import { closeRun, insertRun } from '../../infra/postgres/runs.js';
import type { ObjectStore } from '../../infra/s3/object-store.js';
import { createJobReads, type JobReads } from '../../workers/job-reads.js';
import { createTestDatabase, NO_DATABASE, type TestDatabase } from '../support/curated-database.js';
import { createFakeEngine, FakeCluster } from '../support/fake-engine.js';
import { testSpec } from '../support/job-specs.js';
import { NO_SERVERS, testStore } from '../support/source-load.js';
import { addJob, addRunningJob } from '../support/workflow-control-store.js';

const PIPELINE = 'city-sales';

describe('reading jobs', { skip: NO_DATABASE || NO_SERVERS }, () => {
  let database: TestDatabase;
  let store: ObjectStore;
  let close: () => void;
  let reads: JobReads;
  const cluster = new FakeCluster();
  const urls: string[] = [];
  before(async () => {
    database = await createTestDatabase();
    ({ store, close } = await testStore('lake'));
    const engine = (name: 'flink' | 'spark' | 'kafka-streams', clusterName: string) => {
      if (clusterName === 'elsewhere') throw new SluiceError('CONFIG_INVALID', 'no engine flink/elsewhere');
      return createFakeEngine(cluster, { name, clusterName });
    };
    reads = createJobReads({ pool: database.pool, objects: store, engine });
  });
  after(async () => {
    for (const url of urls) await store.removeAll(url);
    close?.();
    await database?.close({ keep: false });
  });

  async function addRun(workflowId: string, partition: string, firstRunId: string = randomUUID()): Promise<string> {
    const [from = '', to = from] = partition.split('/');
    const run = { workflowId, firstRunId, runId: firstRunId, pipeline: PIPELINE, partition, from, to };
    const rest = { trigger: 'api', specHash: 'h', params: {}, lineageRunId: randomUUID(), facts: {} };
    await inTransaction(database.pool, (client) => insertRun(client, { ...run, ...rest }));
    return firstRunId;
  }
  async function addStageJob(workflowId: string, firstRunId: string, stage: string, submission: number) {
    const key = randomUUID();
    await addJob(database.pool, key, {
      part: stage,
      submission,
      ownerWorkflowId: `${workflowId}/${stage}`,
      ownerFirstRunId: `child of ${firstRunId}`,
      facts: { run: { workflowId, firstRunId } },
    });
    return key;
  }
  const refuses = (text: string, says: RegExp): Promise<void> =>
    assert.rejects(
      reads.find(text),
      (error: unknown) => isSluiceError(error, 'INVALID_REQUEST') && says.test(error.message),
    );
  const rowOf = async (key: string): Promise<EngineJobRow> =>
    (await getEngineJob(database.pool, key)) ?? assert.fail(`no row ${key}`);

  test('nothing is known before anything has run', async () => {
    await refuses('run/a/1998-01-01', /nothing has run yet/);
  });

  test('a run is found by its id and by pipeline and partition, with the submissions of its newest life', async () => {
    const id = `run/${PIPELINE}/1998-03-14`;
    const old = await addRun(id, '1998-03-14');
    await addStageJob(id, old, 'daily', 1);
    await inTransaction(database.pool, (client) =>
      closeRun(client, { workflowId: id, firstRunId: old }, { state: 'failed', message: 'no' }),
    );
    const now = await addRun(id, '1998-03-14');
    const keys = [
      await addStageJob(id, now, 'daily', 1),
      await addStageJob(id, now, 'daily', 2),
      await addStageJob(id, now, 'rank', 1),
    ];
    // A run whose id begins with this one, such as one that was started by hand.
    const other = await addRun(`${id}/daily`, '1998-03-15');
    await addStageJob(`${id}/daily`, other, 'daily', 1);
    for (const text of [id, `${PIPELINE}/1998-03-14`]) {
      const seen = await reads.find(text);
      assert.deepEqual([seen.workflowId, seen.kind, seen.state], [id, 'run', 'running']);
      assert.deepEqual(
        seen.submissions.map(({ key }) => key),
        keys,
      );
    }
    const counts = await countSubmissions(database.pool, [
      { workflow_id: id, first_run_id: now },
      { workflow_id: id, first_run_id: old },
      { workflow_id: `${id}/daily`, first_run_id: other },
    ]);
    assert.deepEqual(counts.get(now), { daily: 2, rank: 1 });
    assert.deepEqual(counts.get(old), { daily: 1 });
    assert.deepEqual(counts.get(other), { daily: 1 });
  });

  test('a range is found as it is declared and as its id has it', async () => {
    const id = `run/${PIPELINE}/1997-01-01_1997-02-01`;
    await addRun(id, '1997-01-01/1997-02-01');
    for (const text of [id, `${PIPELINE}/1997-01-01_1997-02-01`, `${PIPELINE}/1997-01-01/1997-02-01`]) {
      assert.equal((await reads.find(text)).workflowId, id);
    }
  });

  test('the short form prefers the id that the product gives, and is refused where only others are left', async () => {
    await addRun('by-hand-1', '1998-05-01');
    assert.equal((await reads.find(`${PIPELINE}/1998-05-01`)).workflowId, 'by-hand-1');
    await addRun('by-hand-2', '1998-05-01');
    await refuses(`${PIPELINE}/1998-05-01`, /by-hand-2, by-hand-1/);
    await addRun(`run/${PIPELINE}/1998-05-01`, '1998-05-01');
    assert.equal((await reads.find(`${PIPELINE}/1998-05-01`)).workflowId, `run/${PIPELINE}/1998-05-01`);
    await refuses(`run/${PIPELINE}/1998-05-02`, /did you mean|known: /);
  });

  test('a stream is found with the submissions of its newest supervisor', async () => {
    const stream = { kind: 'stream', ownerWorkflowId: `stream/${PIPELINE}/live`, part: 'live' } as const;
    await addJob(database.pool, 'live-old', { ...stream, ownerFirstRunId: 'one' });
    await addJob(database.pool, 'live-1', { ...stream, ownerFirstRunId: 'two', submission: 1 });
    await addJob(database.pool, 'live-2', { ...stream, ownerFirstRunId: 'two', submission: 2 });
    for (const text of [`stream/${PIPELINE}/live`, `${PIPELINE}/live`]) {
      const seen = await reads.find(text);
      assert.deepEqual([seen.kind, seen.submissions.map(({ key }) => key)], ['stream', ['live-1', 'live-2']]);
    }
  });

  test('a job that runs is asked for at its engine, without its credentials', async () => {
    const port = createFakeEngine(cluster);
    await port.submit(testSpec('flink', 'runs'), 'runs');
    const row = await addRunningJob(database.pool, 'runs');
    const job = cluster.jobs.get('runs') ?? assert.fail();
    job.log = 'password=hunter2\nsecond line\n';
    assert.deepEqual(await reads.logOf(row, 1_000), { from: 'engine', text: 'password=***\nsecond line\n' });
    assert.equal((await reads.logOf(row, 20)).text, 'second line\n');
    cluster.away = true;
    await assert.rejects(reads.logOf(row, 1_000), (error: unknown) => isSluiceError(error, 'ENGINE_UNREACHABLE'));
    cluster.away = false;
    const elsewhere = await addRunningJob(database.pool, 'elsewhere', { cluster: 'elsewhere' });
    await assert.rejects(reads.logOf(elsewhere, 1_000), /no engine flink\/elsewhere/);
  });

  test('a job that has ended is told as it was kept, and why there is nothing where there is nothing', async () => {
    const end = async (key: string): Promise<EngineJobRow> => {
      await addRunningJob(database.pool, key);
      await recordObservation(database.pool, key, { state: 'failed', nativeState: 'FAILED', terminal: true });
      return rowOf(key);
    };
    const says = async (row: EngineJobRow): Promise<string | undefined> => (await reads.logOf(row, 1_000)).reason;

    await end('kept');
    const url = logUrl('lake', `test-${randomUUID()}`);
    urls.push(url);
    await store.putText(url, 'one\ntwo\nthree\n');
    await markLogKept(database.pool, 'kept', url);
    cluster.away = true;
    assert.deepEqual(await reads.logOf(await rowOf('kept'), 10), { from: 'kept', url, text: 'two\nthree\n' });
    cluster.away = false;
    await store.removeAll(url);
    assert.match((await says(await rowOf('kept'))) ?? '', /kept copy .* is gone/);

    assert.match((await says(await end('not-yet'))) ?? '', /none is kept yet/);
    await end('none');
    await markLogKept(database.pool, 'none', undefined);
    assert.match((await says(await rowOf('none'))) ?? '', /had none/);
    await end('vain');
    for (let tries = 0; tries < MAX_LOG_TRIES; tries += 1) await markLogTried(database.pool, 'vain');
    assert.match((await says(await rowOf('vain'))) ?? '', /5 times in vain/);
    await addJob(database.pool, 'intent-only');
    assert.match((await says(await rowOf('intent-only'))) ?? '', /never reached/);
  });
});
