/** A new supervisor takes over what a closed one left running: it is ended first, and its state is gone on from. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { withFailures } from '../../activities/failures.js';
import { createJobActivities } from '../../activities/jobs.js';
import { getEngineJob, recordObservation, type EngineJobRow } from '../../infra/postgres/engine-jobs.js';
import type { JobActivities, JobSnapshot } from '../../workflows/contracts/activities.js';
import type { StreamPlan } from '../../workflows/contracts/streams.js';
import { createTestDatabase, NO_DATABASE, type TestDatabase } from '../support/curated-database.js';
import { FakeCluster } from '../support/fake-engine.js';
import { createTestDeps, type TestDeps } from '../support/workflow-deps.js';
import { streamPlan } from '../support/workflow-plans.js';

const CHECKPOINT = 'file:///checkpoints/9';

describe('orphaned streams', { skip: NO_DATABASE }, () => {
  let database: TestDatabase;
  let cluster: FakeCluster;
  let made: TestDeps;
  let jobs: JobActivities;
  before(async () => {
    database = await createTestDatabase();
    cluster = new FakeCluster();
    made = createTestDeps(database, cluster);
    const bare = withFailures(createJobActivities(made.deps));
    jobs = Object.fromEntries(
      Object.entries(bare).map(([name, call]) => [
        name,
        (input: never) => new MockActivityEnvironment().run(call as never, input),
      ]),
    ) as unknown as JobActivities;
  });
  after(() => database?.close({ keep: false }));

  const prepare = (name: string, workflowId: string, more: Partial<StreamPlan> = {}, submission = 1) =>
    jobs.prepareSubmission({
      owner: { workflowId, firstRunId: `first of ${workflowId}` },
      submission,
      memoryFactor: 1,
      target: { kind: 'stream', stream: streamPlan(name, more), generation: 1 },
    });
  const rowOf = async (key: string): Promise<EngineJobRow> => (await getEngineJob(database.pool, key)) as EngineJobRow;
  const checkpointed = (key: string): Promise<unknown> =>
    recordObservation(database.pool, key, {
      state: 'running',
      nativeState: 'RUNNING',
      terminal: false,
      restorePoint: CHECKPOINT,
    });
  const running = async (name: string, more: Partial<StreamPlan> = {}): Promise<JobSnapshot> => {
    const job = await jobs.submitJob({ key: (await prepare(name, `old/${name}`, more)).key });
    await checkpointed(job.key);
    return job;
  };
  const stateAt = (key: string): string | undefined => cluster.jobs.get(key)?.observation.state;

  test('the orphan is ended and settled, then the new one starts from its checkpoint', async () => {
    const old = await running('adopted');
    made.temporal.closed.add('old/adopted');
    const { key } = await prepare('adopted', 'new/adopted');
    const job = await jobs.submitJob({ key });
    assert.deepEqual([stateAt(old.key), job.state], ['cancelled', 'running']);
    assert.equal(cluster.jobs.get(key)?.spec.restoreFrom, CHECKPOINT);
    const row = await rowOf(old.key);
    assert.deepEqual([row.state, row.settled, row.ended_at === null], ['cancelled', 'cancelled', false]);
    assert.equal(row.observation, row.acked_observation);
    const { rows } = await database.pool.query<{ event_type: string }>(
      'select event_type from control.lineage_outbox where run_id = $1 order by id',
      [row.lineage_run_id],
    );
    assert.deepEqual(
      rows.map(({ event_type: type }) => type),
      ['START', 'ABORT'],
    );
  });

  test('an answer that is lost between the end of the orphan and the submit costs no state', async () => {
    const old = await running('half-way');
    made.temporal.closed.add('old/half-way');
    const { key } = await prepare('half-way', 'new/half-way');
    cluster.lostSubmitAnswers = 1;
    await assert.rejects(jobs.submitJob({ key }), { type: 'ENGINE_UNREACHABLE' });
    await jobs.submitJob({ key });
    assert.deepEqual([stateAt(old.key), cluster.accepted.get(key)], ['cancelled', 1]);
    assert.equal(cluster.jobs.get(key)?.spec.restoreFrom, CHECKPOINT);
  });

  /** The job of an earlier supervisor has ended, however, and left a state. */
  const ended = async (name: string, state: string, more: Partial<StreamPlan> = {}): Promise<JobSnapshot> => {
    const old = await running(name, more);
    cluster.set(old.key, 'cancelled');
    await recordObservation(database.pool, old.key, { state, nativeState: state, terminal: true });
    made.temporal.closed.add(`old/${name}`);
    return old;
  };

  test('a stream whose earlier job has ended, however, goes on from the newest state that it left', async () => {
    for (const state of ['cancelled', 'failed', 'lost', 'succeeded']) {
      await ended(`ended-${state}`, state);
      const { key } = await prepare(`ended-${state}`, `new/${state}`);
      await jobs.submitJob({ key });
      assert.equal(cluster.jobs.get(key)?.spec.restoreFrom, CHECKPOINT, state);
    }
  });

  test('a submission that has left no state itself goes on from the one before it', async () => {
    await ended('no-checkpoint-yet', 'failed');
    const { key } = await prepare('no-checkpoint-yet', 'second/no-checkpoint-yet');
    await jobs.submitJob({ key });
    cluster.set(key, 'failed');
    await jobs.askJob({ key });
    const third = await prepare('no-checkpoint-yet', 'third/no-checkpoint-yet');
    await jobs.submitJob({ key: third.key });
    assert.equal(cluster.jobs.get(third.key)?.spec.restoreFrom, CHECKPOINT);
  });

  test('asked to begin anew it starts from nothing, and goes on from its own state afterwards', async () => {
    await ended('fresh', 'cancelled');
    const request = (submission: number) => ({
      owner: { workflowId: 'new/fresh', firstRunId: 'first of new/fresh' },
      submission,
      memoryFactor: 1,
      target: { kind: 'stream' as const, stream: streamPlan('fresh'), generation: 1 },
      fresh: true,
    });
    const first = await jobs.prepareSubmission(request(1));
    await jobs.submitJob({ key: first.key });
    assert.equal(cluster.jobs.get(first.key)?.spec.restoreFrom, undefined);
    const second = await jobs.prepareSubmission(request(2));
    await jobs.submitJob({ key: second.key });
    assert.equal(cluster.jobs.get(second.key)?.spec.restoreFrom, undefined, 'the state of others is still not taken');
    await recordObservation(database.pool, second.key, {
      state: 'running',
      nativeState: 'RUNNING',
      terminal: false,
      restorePoint: 'file:///own',
    });
    const third = await jobs.prepareSubmission(request(3));
    await jobs.submitJob({ key: third.key });
    assert.equal(cluster.jobs.get(third.key)?.spec.restoreFrom, 'file:///own');
  });

  test('a submission that its engine had lost is ended for certain before the next one starts', async () => {
    const old = await running('comes-back');
    await recordObservation(database.pool, old.key, { state: 'lost', nativeState: 'NOT_FOUND', terminal: true });
    assert.equal(stateAt(old.key), 'running', 'the engine has it after all');
    const { key } = await prepare('comes-back', 'old/comes-back', {}, 2);
    await jobs.submitJob({ key });
    assert.deepEqual([stateAt(old.key), stateAt(key)], ['cancelled', 'running']);
  });

  test('a stream without state starts from nothing', async () => {
    const old = await running('stateless', { upgrade: 'stateless' });
    made.temporal.closed.add('old/stateless');
    const { key } = await prepare('stateless', 'new/stateless', { upgrade: 'stateless' });
    await jobs.submitJob({ key });
    assert.equal(stateAt(old.key), 'cancelled');
    assert.equal(cluster.jobs.get(key)?.spec.restoreFrom, undefined);
  });

  test('a stream that a living supervisor owns is left alone, and no twin is started', async () => {
    const old = await running('owned');
    const { key } = await prepare('owned', 'new/owned');
    await assert.rejects(jobs.submitJob({ key }), {
      type: 'JOB_NOT_READY',
      nonRetryable: false,
      message: /still belongs to old\/owned/,
    });
    assert.deepEqual([stateAt(old.key), stateAt(key)], ['running', undefined]);
  });

  test('while the orphan does not end, nothing is started', async () => {
    const old = await running('slow');
    made.temporal.closed.add('old/slow');
    const { key } = await prepare('slow', 'new/slow');
    cluster.ignoresCancel = true;
    await assert.rejects(jobs.submitJob({ key }), { type: 'JOB_NOT_READY', nonRetryable: false });
    cluster.ignoresCancel = false;
    assert.equal(stateAt(key), undefined);
    assert.equal((await jobs.submitJob({ key })).state, 'running');
    assert.equal(stateAt(old.key), 'cancelled');
  });

  test('an orphan that its engine has forgotten is closed in the ledger', async () => {
    const old = await running('forgotten');
    made.temporal.closed.add('old/forgotten');
    cluster.forget(old.key);
    await jobs.submitJob({ key: (await prepare('forgotten', 'new/forgotten')).key });
    assert.equal((await rowOf(old.key)).state, 'cancelled');
  });

  test('an earlier submission of the same supervisor is ended, a later one is not touched', async () => {
    const first = await running('same');
    const second = await prepare('same', 'old/same', {}, 2);
    await jobs.submitJob({ key: second.key });
    assert.equal(stateAt(first.key), 'cancelled');
    await jobs.submitJob({ key: first.key });
    assert.equal(stateAt(second.key), 'running');
  });

  test('other streams are left alone', async () => {
    const other = await running('elsewhere');
    made.temporal.closed.add('old/elsewhere');
    await jobs.submitJob({ key: (await prepare('another', 'new/another')).key });
    assert.equal(stateAt(other.key), 'running');
  });
});
