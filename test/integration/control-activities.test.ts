/** Activities of runs and jobs with a fake cluster and a real Postgres: every step may be repeated and leaves one trace. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createJobActivities } from '../../activities/jobs.js';
import { createRunActivities } from '../../activities/runs.js';
import { withFailures } from '../../activities/failures.js';
import { getEngineJob, recordObservation } from '../../infra/postgres/engine-jobs.js';
import type { JobActivities, JobSnapshot, RunActivities } from '../../workflows/contracts/activities.js';
import type { RunPlan, StagePlan } from '../../workflows/contracts/plans.js';
import { asActivities } from '../support/as-activities.js';
import { createTestDatabase, NO_DATABASE, type TestDatabase } from '../support/curated-database.js';
import { FakeCluster } from '../support/fake-engine.js';
import { createTestDeps, type TestDeps } from '../support/workflow-deps.js';

describe('activities of runs and jobs', { skip: NO_DATABASE }, () => {
  let database: TestDatabase;
  let cluster: FakeCluster;
  let made: TestDeps;
  let runs: RunActivities;
  let jobs: JobActivities;
  before(async () => {
    database = await createTestDatabase();
    cluster = new FakeCluster();
    made = createTestDeps(database, cluster);
    runs = withFailures(createRunActivities(made.deps));
    jobs = asActivities(withFailures(createJobActivities(made.deps)));
  });
  after(() => database?.close({ keep: false }));

  const owner = (workflowId: string) => ({ workflowId, firstRunId: `first of ${workflowId}` });
  const resolve = (workflowId: string, partition: string): Promise<RunPlan> => {
    const input = { pipeline: 'top-sales-per-city', partition };
    return runs.resolveRun({ input, owner: owner(workflowId), runId: 'run-1' });
  };
  const prepare = (plan: RunPlan, submission = 1): Promise<JobSnapshot> => {
    const stage = plan.stages[0] as StagePlan;
    const target = { kind: 'stage' as const, run: plan.run, stage, upstream: {} };
    return jobs.prepareSubmission({
      owner: owner(`${plan.run.workflowId}/${stage.name}`),
      submission,
      memoryFactor: 1,
      target,
    });
  };
  const events = async (runId: string): Promise<string[]> => {
    const { rows } = await database.pool.query<{ event_type: string }>(
      'select event_type from control.lineage_outbox where run_id = $1 order by id',
      [runId],
    );
    return rows.map(({ event_type: type }) => type);
  };
  const ending = async (workflowId: string): Promise<string | undefined> => {
    const { rows } = await database.pool.query<{ line: string }>(
      `select concat_ws(' ', state, message) as line from control.run where workflow_id = $1`,
      [workflowId],
    );
    return rows[0]?.line;
  };
  const lineageRunOf = async (key: string): Promise<string> =>
    (await getEngineJob(database.pool, key))?.lineage_run_id as string;
  const manifestOf = async (key: string): Promise<string> => {
    const spec = (await getEngineJob(database.pool, key))?.spec as { outputPrefix: string };
    return `${spec.outputPrefix}_manifest.json`;
  };

  test('a run is recorded once, however often it is resolved, and ends once', async () => {
    const plan = await resolve('run/once', '1997-01-02');
    assert.deepEqual(await resolve('run/once', '1997-01-02'), plan);
    assert.deepEqual(await events(plan.run.lineageRunId), ['START']);
    await runs.finishRun({ run: plan.run, outcome: 'failed', message: 'JOB_FAILED_USER: no', verdict: 'pass' });
    await runs.finishRun({ run: plan.run, outcome: 'cancelled' });
    assert.deepEqual(await events(plan.run.lineageRunId), ['START', 'FAIL']);
    assert.equal(await ending('run/once'), 'failed JOB_FAILED_USER: no');
  });

  test('a run that was reset after its end and then succeeds has succeeded', async () => {
    for (const outcome of ['failed', 'cancelled'] as const) {
      const plan = await resolve(`run/reset-${outcome}`, '1997-01-02');
      await runs.finishRun({ run: plan.run, outcome, message: 'no' });
      await runs.finishRun({ run: plan.run, outcome: 'succeeded', verdict: 'pass' });
      await runs.finishRun({ run: plan.run, outcome: 'failed', message: 'too late' });
      assert.equal(await ending(plan.run.workflowId), 'succeeded');
    }
  });

  test('a request that cannot be right fails for good and leaves no row', async () => {
    await assert.rejects(resolve('run/wrong', '1998-02-30'), { type: 'INVALID_REQUEST', nonRetryable: true });
    const { rowCount } = await database.pool.query(`select from control.run where workflow_id = 'run/wrong'`);
    assert.equal(rowCount, 0);
  });

  test('the same partition is refused at once, another shape waits and is refused at the last try', async () => {
    const day = await resolve('run/holder', '1997-02-03');
    assert.deepEqual(await runs.claimPartition({ run: day.run, lastTry: false }), { granted: true, fence: 1 });
    const twin = await resolve('run/twin', '1997-02-03');
    await assert.rejects(runs.claimPartition({ run: twin.run, lastTry: false }), {
      type: 'ALREADY_RUNNING',
      nonRetryable: true,
      message: 'ALREADY_RUNNING run/holder: it holds 1997-02-03 of top-sales-per-city',
    });
    const range = await resolve('run/range', '1997-02-01/1997-02-10');
    const busy = { granted: false, busyWith: 'run/holder', firstBusyDay: '1997-02-03' };
    assert.deepEqual(await runs.claimPartition({ run: range.run, lastTry: false }), busy);
    await assert.rejects(runs.claimPartition({ run: range.run, lastTry: true }), {
      type: 'PARTITION_BUSY',
      nonRetryable: true,
    });
    await runs.finishRun({ run: day.run, outcome: 'cancelled' });
    assert.deepEqual(await runs.claimPartition({ run: range.run, lastTry: true }), { granted: true, fence: 2 });
  });

  test('a run that died without a word loses its day to the next one', async () => {
    const dead = await resolve('run/dead', '1997-03-03');
    await runs.claimPartition({ run: dead.run, lastTry: false });
    const { key } = await prepare(dead);
    made.temporal.closed.add('run/dead');
    const heir = await resolve('run/heir', '1997-03-03');
    assert.deepEqual(await runs.claimPartition({ run: heir.run, lastTry: false }), { granted: true, fence: 2 });
    assert.equal(
      await ending('run/dead'),
      'cancelled closed (terminated) before it could record its end; its days were taken over by run/heir',
    );
    assert.deepEqual(await events(dead.run.lineageRunId), ['START', 'ABORT']);
    assert.deepEqual(await events(await lineageRunOf(key)), ['START', 'ABORT'], 'and what it left open');
    assert.equal(await ending('run/heir'), 'running');
    assert.deepEqual(await events(heir.run.lineageRunId), ['START']);
  });

  test('a run that timed out and loses its day has failed', async () => {
    const dead = await resolve('run/late', '1997-03-05');
    await runs.claimPartition({ run: dead.run, lastTry: false });
    made.temporal.closed.add('run/late');
    made.temporal.endings.set('run/late', 'timed-out');
    await runs.claimPartition({ run: (await resolve('run/next', '1997-03-05')).run, lastTry: false });
    assert.match((await ending('run/late')) ?? '', /^failed closed \(timed-out\)/);
    assert.deepEqual(await events(dead.run.lineageRunId), ['START', 'FAIL']);
  });

  test('a run that had ended before its days are taken over keeps its end', async () => {
    const ended = await resolve('run/ended', '1997-03-04');
    await runs.claimPartition({ run: ended.run, lastTry: false });
    await database.pool.query(`update control.run set state = 'succeeded' where workflow_id = 'run/ended'`);
    made.temporal.closed.add('run/ended');
    await runs.claimPartition({ run: (await resolve('run/after', '1997-03-04')).run, lastTry: false });
    assert.equal(await ending('run/ended'), 'succeeded');
  });

  test('a submission is decided once, submitted once although the answer was lost, and its owner is up to date', async () => {
    const plan = await resolve('run/submit', '1997-01-03');
    const prepared = await prepare(plan);
    const { key } = prepared;
    assert.deepEqual([prepared.state, prepared.observation], ['pending', 0]);
    assert.equal((await prepare(plan)).key, key);
    assert.deepEqual(await events(await lineageRunOf(key)), ['START']);
    assert.notEqual((await prepare(plan, 2)).key, key);

    cluster.lostSubmitAnswers = 1;
    await assert.rejects(jobs.submitJob({ key }), { type: 'ENGINE_UNREACHABLE', nonRetryable: false });
    const job = await jobs.submitJob({ key });
    assert.deepEqual([job.state, job.engineJobId, job.observation], ['running', `fake-${key}`, 1]);
    assert.equal(cluster.accepted.get(key), 1);
    assert.ok(made.temporal.ensured.includes('spark'), 'a watcher is there before the job is');
    const row = await getEngineJob(database.pool, key);
    assert.equal(row?.acked_observation, row?.observation);
  });

  test('what the engine took once is only looked at, even when the engine has lost its memory', async () => {
    const { key } = await prepare(await resolve('run/forgotten', '1997-01-10'));
    await jobs.submitJob({ key });
    cluster.forget(key);
    const again = await jobs.submitJob({ key });
    assert.deepEqual([again.state, again.nativeState], ['unknown', 'NOT_FOUND']);
    assert.equal(cluster.accepted.get(key), 1, 'the same key never runs twice');
  });

  test('a lost job that the engine knows after all is ended, and an end that does not come is not hidden', async () => {
    const { key } = await prepare(await resolve('run/undead', '1997-01-11'));
    await jobs.submitJob({ key });
    await recordObservation(database.pool, key, { state: 'lost', nativeState: 'NOT_FOUND', terminal: true });
    cluster.ignoresCancel = true;
    assert.equal((await jobs.cancelJob({ key })).state, 'stopping');
    cluster.ignoresCancel = false;
    assert.equal((await jobs.cancelJob({ key })).state, 'lost', 'its book keeps how it ended');
    assert.equal(cluster.jobs.get(key)?.observation.state, 'cancelled');
  });

  test('a key that was never prepared is refused', async () => {
    await assert.rejects(jobs.submitJob({ key: 'x' }), { type: 'INVALID_REQUEST', nonRetryable: true });
  });

  test('asking stores what the engine says; after the end the engine is not asked again', async () => {
    const { key } = await prepare(await resolve('run/ask', '1997-01-04'));
    await jobs.submitJob({ key });
    cluster.fail(key, 'column sales not found');
    const asked = await jobs.askJob({ key });
    assert.deepEqual(
      [asked.state, asked.reason, asked.blame, asked.observation],
      ['failed', 'column sales not found', 'user', 2],
    );
    const { requests } = cluster;
    const later = await Promise.all([jobs.askJob({ key }), jobs.submitJob({ key }), jobs.cancelJob({ key })]);
    assert.deepEqual(
      later.map(({ state }) => state),
      ['failed', 'failed', 'failed'],
    );
    assert.equal(cluster.requests, requests);
  });

  test('cancel is confirmed by the engine, and settled once', async () => {
    const { key } = await prepare(await resolve('run/cancel', '1997-01-05'));
    await jobs.submitJob({ key });
    assert.equal((await jobs.cancelJob({ key })).state, 'cancelled');
    for (const outcome of ['cancelled', 'failed'] as const) await jobs.settleJob({ key, outcome, submissions: 1 });
    assert.deepEqual(await events(await lineageRunOf(key)), ['START', 'ABORT']);
    assert.equal((await getEngineJob(database.pool, key))?.settled, 'cancelled');
  });

  test('only the manifest of this very submission proves success', async () => {
    const { key } = await prepare(await resolve('run/proof', '1997-01-06'));
    await jobs.submitJob({ key });
    cluster.succeed(key);
    await jobs.askJob({ key });
    const settle = () => jobs.settleJob({ key, outcome: 'succeeded', submissions: 1 });
    const manifest = await manifestOf(key);
    assert.equal(await settle(), null);
    made.objects.objects.set(manifest, { key: 'of another submission', outputs: [] });
    assert.equal(await settle(), null);
    assert.deepEqual(await events(await lineageRunOf(key)), ['START'], 'not closed yet');
    made.objects.objects.set(manifest, { key, outputs: [{ name: 'city_sales_daily', rows: 3 }] });
    const expected = {
      stage: 'daily',
      key,
      submissions: 1,
      manifest,
      rows: { city_sales_daily: 3 },
      engineJobId: `fake-${key}`,
      link: `http://127.0.0.1/fake/${key}`,
    };
    assert.deepEqual(await settle(), expected);
    assert.deepEqual(await settle(), expected, 'a repeat answers the same');
    assert.deepEqual(await events(await lineageRunOf(key)), ['START', 'COMPLETE']);
  });

  test('what is still open when its run ends, ends with it and before it', async () => {
    const plan = await resolve('run/open', '1997-01-07');
    const { key } = await prepare(plan);
    await jobs.submitJob({ key });
    await runs.finishRun({ run: plan.run, outcome: 'cancelled', message: 'cancelled' });
    assert.deepEqual(await events(await lineageRunOf(key)), ['START', 'ABORT']);
    assert.deepEqual(await events(plan.run.lineageRunId), ['START', 'ABORT']);
  });

  test('credentials in the texts of an engine do not reach the workflow', async () => {
    const { key } = await prepare(await resolve('run/secret', '1997-01-09'));
    await jobs.submitJob({ key });
    cluster.fail(key, 'cannot reach jdbc:postgresql://app:hunter2@db/x with password=hunter2');
    const { reason } = await jobs.askJob({ key });
    assert.match(reason ?? '', /^cannot reach /);
    assert.doesNotMatch(reason ?? '', /hunter2/);
  });

  test('the owner asks rarely while the watcher lives, and soon when it does not', async () => {
    const plan = await resolve('run/checks', '1997-01-08');
    await database.pool.query('delete from control.cluster');
    const unwatched = (await prepare(plan)).nextCheckMs;
    await database.pool.query(
      `insert into control.cluster (name, engine, heartbeat_at) values ('spark', 'spark', now())`,
    );
    const watched = (await prepare(plan)).nextCheckMs;
    assert.ok(unwatched >= 120_000 && unwatched <= 144_000, `${unwatched}`);
    assert.ok(watched >= 7_200_000 && watched <= 8_640_000, `${watched}`);
    await database.pool.query(`update control.cluster set heartbeat_at = now() - interval '61 seconds'`);
    assert.ok((await prepare(plan)).nextCheckMs <= 144_000);
  });
});
