/** Runs and engine jobs when something is in the way: earlier children, stops without an answer, queues without a worker. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import type { StagePlan } from '../../workflows/contracts/plans.js';
import { createFakeActivities, type FakeActivities } from '../support/workflow-activities.js';
import { NO_TEMPORAL, openWorkflowBench, type WorkflowBench } from '../support/workflow-bench.js';
import { assertCancelled, failedWith } from '../support/workflow-outcome.js';
import { runRef, stagePlan } from '../support/workflow-plans.js';
import { until } from '../support/workflow-until.js';
import { failure, passing, type FakeWorld } from '../support/workflow-world.js';

const DAY = '1997-01-02';
const STAGING_LOST = { stagingLost: true };

describe('faults on the way of a run', { skip: NO_TEMPORAL, concurrency: true }, () => {
  let bench: WorkflowBench;
  let fakes: FakeActivities;
  before(async () => {
    fakes = createFakeActivities(() => bench.client);
    bench = await openWorkflowBench(fakes.activities);
  });
  after(() => bench?.close());

  const startJob = (world: FakeWorld, stage: Partial<StagePlan> = {}): Promise<WorkflowHandle> => {
    const input = { run: runRef(world.name), stage: stagePlan('daily', stage) };
    return bench.start('engineJob', `run/${world.name}/daily`, input);
  };
  const startRun = (world: FakeWorld): Promise<WorkflowHandle> =>
    bench.start('pipelineRun', `run/${world.name}/${DAY}`, { pipeline: world.name, partition: DAY });

  test('a run waits for the engine job that an earlier, terminated run left open', async () => {
    const world = fakes.world('rerun', { script: () => ({}) });
    const earlier = await startRun(world);
    const old = await world.job('daily');
    // As slow as a real engine: the child of the terminated run is still ending its job.
    world.cancelledAs = ['stopping', {}];
    await earlier.terminate('by hand');
    await until('the old child stops its job', () => old.cancels > 0);
    const again = await startRun(world);
    const note = await until('the note', async () => (await again.query<{ note?: string }>('progress')).note);
    assert.equal(note, `waiting for the earlier run/rerun/${DAY}/daily to end`);
    world.cancelledAs = ['cancelled', {}];
    const job = await until('the new job', () => world.jobs.find(({ key, submits }) => key !== old.key && submits > 0));
    assert.equal(old.snapshot.state, 'cancelled');
    assert.equal((await again.query<{ note?: string }>('progress')).note, undefined);
    await world.become(job, 'succeeded');
    await again.result();
  });

  test('a stop that fails keeps the first cause, and nothing is submitted beside a job that may live', async () => {
    const world = fakes.world('no-stop', { script: () => ({ answer: 'pending', answerMore: { reason: 'no cores' } }) });
    world.faults.set('cancelJob', [failure('ENGINE_REJECTED', 'the master refuses')]);
    const { code, message } = await failedWith(await startJob(world, { startTimeoutMs: 800 }));
    assert.equal(code, 'JOB_NO_RESOURCES');
    assert.match(message, /did not start within 1 s \(no cores\); its stop was not confirmed \(the master refuses\)/);
    assert.match(message, /spark id daily-1 may still run/);
    assert.equal(world.jobs.length, 1);
  });

  test('a submit that is refused says so, whatever its stop says', async () => {
    const world = fakes.world('refused');
    world.faults.set('submitJob', [failure('ENGINE_REJECTED', 'no such class')]);
    world.faults.set('cancelJob', [failure('ENGINE_REJECTED', 'no such job')]);
    const { code, message } = await failedWith(await startJob(world));
    assert.equal(code, 'ENGINE_REJECTED');
    assert.match(message, /^daily: no such class; its stop was not confirmed \(no such job\)/);
    assert.match(world.jobs[0]?.settled[0]?.reason ?? '', /^no such class/);
  });

  test('a cancelled job is recorded although its stop was not confirmed', async () => {
    const world = fakes.world('cancel-unsure', { script: () => ({}) });
    const handle = await startJob(world);
    await world.job('daily');
    world.faults.set('cancelJob', [failure('ENGINE_REJECTED', 'no')]);
    await handle.cancel();
    await assertCancelled(handle);
    assert.match(world.jobs[0]?.settled[0]?.reason ?? '', /spark id daily-1 may still run/);
  });

  test('a stage whose queue has no worker fails when its time to start is over', async () => {
    const world = fakes.world('unserved');
    const stage = { engine: 'kafka-streams', cluster: 'nowhere', startTimeoutMs: 1_500 } as const;
    const { code, message } = await failedWith(await startJob(world, stage));
    assert.equal(code, 'ENGINE_UNREACHABLE');
    assert.match(message, /^daily: no worker serves streams\/nowhere/);
  });

  test('an engine that is away while it is asked costs the job nothing', async () => {
    const world = fakes.world('ask-away', {
      nextCheckMs: 200,
      script: () => ({}),
      onAsk: (job) => world.change(job, 'succeeded'),
    });
    world.faults.set('askJob', [passing('ENGINE_UNREACHABLE', 'connection refused')]);
    await (await startJob(world)).result();
    assert.equal(world.jobs[0]?.asked, 2);
  });

  test('a question that is refused says nothing about the job', async () => {
    const world = fakes.world('ask-refused', {
      nextCheckMs: 200,
      script: () => ({}),
      onAsk: (job) => world.change(job, 'succeeded'),
    });
    world.faults.set('askJob', [failure('ENGINE_REJECTED', 'HTTP 403 from a proxy')]);
    await (await startJob(world)).result();
    assert.deepEqual([world.jobs.length, world.jobs[0]?.asked, world.jobs[0]?.cancels], [1, 2, 0]);
  });

  test('a lost job is ended for certain before the next submission, and a stop without an answer holds up nothing', async () => {
    const lost = (name: string): FakeWorld =>
      fakes.world(name, {
        script: (_, submission) =>
          submission === 1 ? { then: [['lost', { reason: 'not known' }]] } : { then: ['succeeded'] },
      });
    const world = lost('lost-ended');
    await (await startJob(world)).result();
    assert.deepEqual(
      world.jobs.map(({ cancels }) => cancels),
      [1, 0],
    );
    assert.ok(world.calls.indexOf('cancelJob') < world.calls.lastIndexOf('submitJob'));
    const other = lost('lost-refused');
    other.faults.set('cancelJob', [failure('ENGINE_REJECTED', 'no')]);
    await (await startJob(other)).result();
    assert.equal(other.jobs.length, 2);
  });

  test('a lost job that the engine knows again and does not end gets no twin', async () => {
    const world = fakes.world('lost-alive', {
      script: (_, submission) => (submission === 1 ? { then: [['lost', { reason: 'not known' }]] } : {}),
      revivedAs: 'running',
    });
    const { code, message } = await failedWith(await startJob(world));
    assert.equal(code, 'JOB_STATUS_UNKNOWN');
    assert.match(message, /^daily: not known; its stop was not confirmed \(spark still says RUNNING\)/);
    assert.equal(world.jobs.length, 1);
  });

  test('a job that had its time is not started again', async () => {
    const world = fakes.world('too-long', { script: () => ({}) });
    const { code, message } = await failedWith(await startJob(world, { timeoutMs: 1_200, startTimeoutMs: 500 }));
    assert.equal(code, 'JOB_FAILED_PLATFORM');
    assert.match(message, /ran longer than its timeout of 1 s \(submission 1 of 3\)/);
    assert.equal(world.jobs.length, 1);
  });

  test('a job that ran before its history was cut has started, whatever its engine says now', async () => {
    const world = fakes.world('renewed-job', { script: () => ({ answer: 'unknown' }) });
    const startedAtMs = Date.now() - 60_000;
    const carry = { submission: 1, key: 'k', observation: 0, startedAtMs, ranAtMs: startedAtMs + 1, memoryFactor: 1 };
    const stage = stagePlan('daily', { startTimeoutMs: 500, timeoutMs: 3_600_000 });
    const input = { run: runRef(world.name), stage, carry };
    const handle = await bench.start('engineJob', `run/${world.name}/daily`, input);
    const job = await world.job('daily');
    await until('the job is shown', async () => (await handle.query<{ state: string }>('job')).state === 'unknown');
    await world.become(job, 'succeeded');
    await handle.result();
    assert.equal(job.cancels, 0);
  });

  test('a job that failed by itself just before its stop failed by itself', async () => {
    const world = fakes.world('just-failed', {
      script: () => ({}),
      cancelledAs: ['failed', { blame: 'user', reason: 'division by zero' }],
    });
    const { code, message } = await failedWith(await startJob(world, { timeoutMs: 1_200, startTimeoutMs: 500 }));
    assert.equal(code, 'JOB_FAILED_USER');
    assert.match(message, /division by zero/);
  });

  test('lost staging is loaded again, and the table is dropped once', async () => {
    const world = fakes.world('staging-lost');
    const lost = (): Error => failure('STORE_REJECTED', 'staging is gone', STAGING_LOST);
    world.faults.set('publishTable', [lost(), lost()]);
    await (await startRun(world)).result();
    assert.deepEqual(
      ['loadStaging', 'runChecks', 'publishTable', 'dropStaging'].map((name) => world.count(name)),
      [3, 3, 3, 1],
    );
  });

  test('staging that is lost again and again fails the run; what is left of it is dropped', async () => {
    const world = fakes.world('staging-gone');
    world.faults.set(
      'publishTable',
      [1, 2, 3, 4].map(() => failure('STORE_REJECTED', 'staging is gone', STAGING_LOST)),
    );
    assert.equal((await failedWith(await startRun(world))).code, 'STORE_REJECTED');
    assert.deepEqual([world.count('loadStaging'), world.count('dropStaging')], [3, 1]);
  });

  test('a publish that fails leaves no staging table behind', async () => {
    const world = fakes.world('publish-fails');
    world.faults.set('publishTable', [failure('STORE_CONFLICT', 'the day is lost')]);
    assert.equal((await failedWith(await startRun(world))).code, 'STORE_CONFLICT');
    assert.deepEqual([world.count('loadStaging'), world.count('dropStaging')], [1, 1]);
  });
});
