/** `engineJob` on a real Temporal server: signals, resubmission, limits of time, and the safety check. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import type { EngineJobView } from '../../workflows/contracts/messages.js';
import type { StagePlan, StageResult } from '../../workflows/contracts/plans.js';
import { createFakeActivities, type FakeActivities } from '../support/workflow-activities.js';
import { NO_TEMPORAL, openWorkflowBench, type WorkflowBench } from '../support/workflow-bench.js';
import { assertCancelled, failedWith } from '../support/workflow-outcome.js';
import { runRef, stagePlan } from '../support/workflow-plans.js';
import { eventSeen, until } from '../support/workflow-until.js';
import type { FakeWorld } from '../support/workflow-world.js';

describe('engineJob', { skip: NO_TEMPORAL, concurrency: true }, () => {
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
  const resultOf = async (handle: WorkflowHandle): Promise<StageResult> => (await handle.result()) as StageResult;
  const outcomes = (world: FakeWorld): string[] =>
    world.jobs.map(({ settled }) => settled.map(({ outcome }) => outcome).join('+'));

  test('a job that is already over when it is submitted waits for nobody', async () => {
    const world = fakes.world('instant', { script: () => ({ answer: 'succeeded' }) });
    const result = await resultOf(await startJob(world));
    assert.deepEqual(world.calls, ['prepareSubmission', 'submitJob', 'settleJob']);
    assert.deepEqual([result.submissions, result.engineJobId, result.rows], [1, 'daily-1', { city_sales_daily: 12 }]);
  });

  test('after a failure of the platform the next submission has the next number and another key', async () => {
    const world = fakes.world('platform', {
      script: (_, submission) =>
        submission < 3
          ? { then: [['failed', { blame: 'platform', reason: 'executor lost' }]] }
          : { then: ['succeeded'] },
    });
    const handle = await startJob(world, { retry: { attempts: 3, backoffMs: 100, maxBackoffMs: 150 } });
    assert.equal((await resultOf(handle)).submissions, 3);
    assert.deepEqual(
      world.jobs.map(({ submission }) => submission),
      [1, 2, 3],
    );
    assert.equal(new Set(world.jobs.map(({ key }) => key)).size, 3);
    assert.deepEqual(outcomes(world), ['failed', 'failed', 'succeeded']);
    const { events = [] } = await handle.fetchHistory();
    const timers = (events ?? []).flatMap(({ timerStartedEventAttributes: timer, userMetadata }) => {
      const summary = Buffer.from(userMetadata?.summary?.data ?? []).toString();
      return summary.includes('before submission') ? [Number(timer?.startToFireTimeout?.nanos ?? 0) / 1e6] : [];
    });
    assert.deepEqual(timers, [100, 150], 'the wait doubles up to its limit');
  });

  test('platform failures end with the attempts', async () => {
    const world = fakes.world('exhausted', {
      script: () => ({ then: [['failed', { blame: 'platform', reason: 'preempted' }]] }),
    });
    const { code, message } = await failedWith(await startJob(world));
    assert.deepEqual([code, message], ['JOB_FAILED_PLATFORM', 'daily: preempted (submission 3 of 3)']);
    assert.equal(world.jobs.length, 3);
  });

  test('out of memory raises the memory of the next submission, and of no other', async () => {
    const world = fakes.world('memory', {
      script: (_, submission) => {
        if (submission === 1)
          return { then: [['failed', { blame: 'resources', outOfMemory: true, reason: 'heap space' }]] };
        return submission === 2
          ? { then: [['failed', { blame: 'platform', reason: 'node gone' }]] }
          : { then: ['succeeded'] };
      },
    });
    await resultOf(await startJob(world));
    assert.deepEqual(
      world.jobs.map(({ request }) => request.memoryFactor),
      [1, 1.5, 1.5],
    );
  });

  test('a lost job is submitted again', async () => {
    const world = fakes.world('lost', {
      script: (_, submission) =>
        submission === 1 ? { then: [['lost', { reason: 'not known' }]] } : { then: ['succeeded'] },
    });
    assert.equal((await resultOf(await startJob(world))).submissions, 2);
  });

  test('a job that ended well without a manifest did not succeed: it is submitted again', async () => {
    const world = fakes.world('no-manifest', {
      script: (_, submission) => ({ then: ['succeeded'], manifest: submission > 1 }),
    });
    assert.equal((await resultOf(await startJob(world))).submissions, 2);
    assert.deepEqual(world.jobs[0]?.settled, [
      { outcome: 'failed', reason: 'spark says SUCCEEDED, but the job left no manifest' },
    ]);
  });

  test('a stage that asks for it is submitted again after a failure of its own', async () => {
    const world = fakes.world('flaky', {
      script: (_, submission) =>
        submission === 1 ? { then: [['failed', { blame: 'user', reason: 'bad luck' }]] } : { then: ['succeeded'] },
    });
    const retry = { attempts: 3, backoffMs: 20, maxBackoffMs: 20, on: ['user' as const] };
    const handle = await startJob(world, { retry });
    assert.equal((await resultOf(handle)).submissions, 2);
    const view = await handle.query<EngineJobView>('job');
    assert.deepEqual(view.earlier, [{ submission: 1, reason: 'bad luck', blame: 'user' }]);
  });

  test('a stage that refuses it is not submitted again after a failure of the platform', async () => {
    const world = fakes.world('once', {
      script: () => ({ then: [['failed', { blame: 'platform', reason: 'gone' }]] }),
    });
    const retry = { attempts: 3, backoffMs: 20, maxBackoffMs: 20, on: ['resources' as const] };
    const { code, message } = await failedWith(await startJob(world, { retry }));
    assert.deepEqual(
      [code, message],
      ['JOB_FAILED_PLATFORM', 'once: gone (submission 1 of 3)'.replace('once', 'daily')],
    );
  });

  test('an engine that says nothing for too long is no failed job: nothing is submitted, nothing is killed', async () => {
    const reason = 'status unknown since 2026-03-01T02:00:00.000Z';
    const world = fakes.world('silent-engine', {
      script: () => ({ then: [['unknown', { nativeState: 'UNREACHABLE', reason }]] }),
    });
    const { code, message } = await failedWith(await startJob(world));
    assert.deepEqual([code, message], ['JOB_STATUS_UNKNOWN', `daily: ${reason}: spark id daily-1 may still run`]);
    assert.deepEqual([world.jobs.length, world.jobs[0]?.cancels, outcomes(world)], [1, 0, ['failed']]);
  });

  test('a job that is not known for a moment goes on', async () => {
    const world = fakes.world('blink', {
      script: () => ({ then: [['unknown', { nativeState: 'NOT_FOUND' }], 'running', 'succeeded'] }),
    });
    assert.equal((await resultOf(await startJob(world))).submissions, 1);
  });

  test('a stage that wants its job left alone when the run is cancelled leaves it, and the book says so', async () => {
    const world = fakes.world('left', { script: () => ({}) });
    const handle = await startJob(world, { onCancel: 'leave' });
    const job = await world.job('daily');
    await handle.cancel();
    await assertCancelled(handle);
    assert.deepEqual([job.cancels, job.snapshot.state], [0, 'running']);
    assert.deepEqual(job.settled, [
      { outcome: 'cancelled', reason: 'the run was cancelled; spark id daily-1 is left running as declared' },
    ]);
  });

  test('a job that somebody ended at the engine is not started again', async () => {
    const world = fakes.world('by-hand', { script: () => ({ then: [['cancelled', { reason: 'killed in the UI' }]] }) });
    assert.equal((await failedWith(await startJob(world))).code, 'JOB_FAILED_USER');
    assert.deepEqual(outcomes(world), ['cancelled']);
  });

  test('signals for another key, and observations that are not newer, wake nobody', async () => {
    const world = fakes.world('deaf', { script: () => ({}) });
    const handle = await startJob(world);
    const job = await world.job('daily');
    await until('the job is shown', async () => (await handle.query<EngineJobView>('job')).state === 'running');
    await world.signal(job, 'another-key', 99);
    await world.signal(job, job.key, job.snapshot.observation);
    await world.signal(job, job.key, 0);
    await world.become(job, 'restarting');
    await until('the job is shown', async () => (await handle.query<EngineJobView>('job')).state === 'restarting');
    assert.equal(world.count('acknowledgeJob'), 1);
    await world.become(job, 'succeeded');
    await handle.result();
    assert.equal(world.count('acknowledgeJob'), 2);
    assert.equal(world.count('askJob'), 0);
  });

  test('when nothing is heard for long, the engine itself is asked', async () => {
    const world = fakes.world('silent', {
      nextCheckMs: 100,
      script: () => ({}),
      onAsk: (job) => {
        if (job.asked === 3) world.change(job, 'succeeded');
      },
    });
    await resultOf(await startJob(world));
    assert.deepEqual([world.count('askJob'), world.count('acknowledgeJob')], [3, 0]);
  });

  test('a job that does not start in time is stopped, and the failure says so', async () => {
    const world = fakes.world('no-slot', {
      script: () => ({ answer: 'pending', answerMore: { reason: 'no worker has 64 cores' } }),
    });
    const { code, message } = await failedWith(
      await startJob(world, { startTimeoutMs: 1_000, retry: { attempts: 1, backoffMs: 1, maxBackoffMs: 1 } }),
    );
    assert.equal(code, 'JOB_NO_RESOURCES');
    assert.match(message, /daily: did not start within 1 s \(no worker has 64 cores\)/);
    assert.equal(world.jobs[0]?.cancels, 1);
    assert.equal(world.jobs[0]?.snapshot.state, 'cancelled');
    assert.deepEqual(outcomes(world), ['failed']);
  });

  test('a job that runs longer than its limit is stopped', async () => {
    const world = fakes.world('endless', { script: () => ({}) });
    const handle = await startJob(world, {
      timeoutMs: 1_500,
      startTimeoutMs: 500,
      retry: { attempts: 1, backoffMs: 1, maxBackoffMs: 1 },
    });
    const { code, message } = await failedWith(handle);
    assert.equal(code, 'JOB_FAILED_PLATFORM');
    assert.match(message, /daily: ran longer than its timeout of 2 s/);
    assert.equal(world.jobs[0]?.cancels, 1);
  });

  test('a cancel while the submit is under way waits for it, and then ends what it made', async () => {
    const world = fakes.world('mid-submit', { script: () => ({}) });
    const letGo = world.hold('submitJob');
    const handle = await startJob(world);
    await until('the submit', () => world.count('submitJob') === 1);
    await handle.cancel();
    await until('the cancel is in the history', () =>
      eventSeen(handle, 'workflowExecutionCancelRequestedEventAttributes'),
    );
    assert.equal(world.count('cancelJob'), 0);
    letGo();
    await assertCancelled(handle);
    assert.deepEqual(
      world.jobs.map(({ snapshot }) => snapshot.state),
      ['cancelled'],
    );
    assert.deepEqual(outcomes(world), ['cancelled']);
  });

  test('a cancel before the job was submitted leaves no job behind', async () => {
    const world = fakes.world('early', { script: () => ({ answer: 'pending' }) });
    const handle = await startJob(world);
    await handle.cancel();
    await assertCancelled(handle);
    for (const job of world.jobs)
      assert.ok(job.submits === 0 || job.snapshot.state === 'cancelled', job.snapshot.state);
  });
});
