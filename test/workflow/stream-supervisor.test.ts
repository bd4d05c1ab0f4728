/** `streamSupervisor` on a real Temporal server: restarts within its budget, stop, restart, cancel. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import type { StreamPlan, StreamState } from '../../workflows/contracts/streams.js';
import { createFakeActivities, type FakeActivities } from '../support/workflow-activities.js';
import { NO_TEMPORAL, openWorkflowBench, type WorkflowBench } from '../support/workflow-bench.js';
import { assertCancelled, failedWith } from '../support/workflow-outcome.js';
import { streamPlan } from '../support/workflow-plans.js';
import { until } from '../support/workflow-until.js';
import type { FakeWorld } from '../support/workflow-world.js';

describe('streamSupervisor', { skip: NO_TEMPORAL, concurrency: true }, () => {
  let bench: WorkflowBench;
  let fakes: FakeActivities;
  before(async () => {
    fakes = createFakeActivities(() => bench.client);
    bench = await openWorkflowBench(fakes.activities);
  });
  after(() => bench?.close());

  const worldFor = (name: string, stream: Partial<StreamPlan> = {}): FakeWorld =>
    fakes.world(name, { stream: streamPlan(name, stream), script: () => ({}) });
  const start = (world: FakeWorld): Promise<WorkflowHandle> =>
    bench.start('streamSupervisor', `stream/${world.name}/live`, { pipeline: world.name, stream: 'live' });
  const stateOf = (handle: WorkflowHandle): Promise<StreamState> => handle.query<StreamState>('state');

  test('starts the stream, shows it, and stop ends its job before the supervisor closes', async () => {
    const world = worldFor('stop');
    const handle = await start(world);
    const job = await world.job('live');
    const state = await until('the stream is healthy', async () => {
      const now = await stateOf(handle);
      return now.healthy && now;
    });
    assert.deepEqual(
      [state.state, state.wish, state.submission, state.engineJobId, state.link, state.key],
      ['running', 'run', 1, 'live-1', 'http://127.0.0.1/jobs/live-1', job.key],
    );
    assert.deepEqual(await handle.executeUpdate('stop'), { generation: 1 });
    assert.deepEqual(await handle.result(), { stopped: true, submissions: 1 });
    assert.deepEqual([job.cancels, job.snapshot.state], [1, 'cancelled']);
    assert.deepEqual(
      job.settled.map(({ outcome }) => outcome),
      ['cancelled'],
    );
    const { typedSearchAttributes, memo } = await handle.describe();
    const shown = typedSearchAttributes.getAll().map(({ key, value }) => `${key.name}=${String(value)}`);
    for (const pair of ['SluicePipeline=stop', 'SluiceEngine=flink', 'SluiceState=cancelled'])
      assert.ok(shown.includes(pair), pair);
    assert.equal(memo?.['engineJobId'], 'live-1');
  });

  test('a failed stream starts again from its newest restore point', async () => {
    const world = worldFor('restore');
    const handle = await start(world);
    const first = await world.job('live', 1);
    await world.become(first, 'restarting', { restorePoint: 'file:///checkpoints/7' });
    await world.become(first, 'failed', { reason: 'task manager lost' });
    const second = await world.job('live', 2);
    assert.equal(second.request.restoreFrom, 'file:///checkpoints/7');
    assert.equal(first.request.restoreFrom, undefined);
    assert.notEqual(first.key, second.key);
    await until('the second one is healthy', async () => (await stateOf(handle)).healthy);
    assert.equal((await stateOf(handle)).restartsInWindow, 1);
    assert.deepEqual(first.settled, [{ outcome: 'failed', reason: 'task manager lost' }]);
  });

  test('a stream without state starts again from nothing', async () => {
    const world = worldFor('stateless', { upgrade: 'stateless' });
    await start(world);
    await world.become(await world.job('live', 1), 'failed', { restorePoint: 'file:///checkpoints/7' });
    assert.equal((await world.job('live', 2)).request.restoreFrom, undefined);
  });

  test('more failures than the budget allows end the supervisor', async () => {
    const world = worldFor('budget', { restart: { attempts: 2, windowMs: 600_000, backoffMs: 20, maxBackoffMs: 30 } });
    world.script = () => ({ then: [['failed', { reason: 'broken record' }]] });
    const { code, message } = await failedWith(await start(world));
    assert.equal(code, 'JOB_FAILED_PLATFORM');
    assert.equal(message, 'live: 3 failures within 10 min, no further restart: broken record');
    assert.equal(world.jobs.length, 3);
    for (const job of world.jobs)
      assert.deepEqual(
        job.settled.map(({ outcome }) => outcome),
        ['failed'],
      );
  });

  test('old failures fall out of the window', async () => {
    const world = worldFor('window', { restart: { attempts: 1, windowMs: 1, backoffMs: 20, maxBackoffMs: 20 } });
    world.script = (_, submission) => (submission < 4 ? { then: ['failed'] } : {});
    const handle = await start(world);
    await world.job('live', 4);
    await until('the fourth one is healthy', async () => (await stateOf(handle)).healthy);
  });

  test('the update restart ends the job and starts another one, outside the budget', async () => {
    const world = worldFor('restart');
    const handle = await start(world);
    await until('the stream is healthy', async () => (await stateOf(handle)).healthy);
    assert.deepEqual(await handle.executeUpdate('restart'), { generation: 1 });
    const second = await world.job('live', 2);
    const [first] = world.jobs;
    assert.deepEqual([first?.cancels, first?.settled.map(({ outcome }) => outcome)], [1, ['cancelled']]);
    await until(
      'the second one is healthy',
      async () => (await stateOf(handle)).key === second.key && (await stateOf(handle)).healthy,
    );
    assert.equal((await stateOf(handle)).restartsInWindow, 0);
  });

  test('stop during the wait before a restart starts nothing more', async () => {
    const world = worldFor('stop-waiting', {
      restart: { attempts: 5, windowMs: 600_000, backoffMs: 600_000, maxBackoffMs: 600_000 },
    });
    const handle = await start(world);
    await world.become(await world.job('live'), 'failed', { reason: 'no slot' });
    await until('the failure is counted', async () => (await stateOf(handle)).restartsInWindow === 1);
    await handle.executeUpdate('stop');
    assert.deepEqual(await handle.result(), { stopped: true, submissions: 1 });
  });

  test('a stream that does not start in time is stopped and counts as failed', async () => {
    const world = worldFor('slow', { startTimeoutMs: 800 });
    world.script = (_, submission) => ({ answer: submission === 1 ? 'pending' : 'running' });
    await start(world);
    await world.job('live', 2);
    const [first] = world.jobs;
    assert.equal(first?.cancels, 1);
    assert.deepEqual(first?.settled, [{ outcome: 'failed', reason: 'did not start within 0.8 s' }]);
  });

  test('a cancelled supervisor ends its job first', async () => {
    const world = worldFor('cancelled-stream');
    const handle = await start(world);
    const job = await world.job('live');
    await handle.cancel();
    await assertCancelled(handle);
    assert.equal(job.snapshot.state, 'cancelled');
    assert.deepEqual(
      job.settled.map(({ outcome }) => outcome),
      ['cancelled'],
    );
  });

  test('what its watcher does not tell, it asks itself', async () => {
    const world = worldFor('unwatched');
    Object.assign(world, {
      nextCheckMs: 100,
      onAsk: (job: Parameters<FakeWorld['change']>[0]) => world.change(job, 'failed'),
    });
    await start(world);
    await world.job('live', 2);
    assert.ok(world.count('askJob') >= 1);
  });
});
