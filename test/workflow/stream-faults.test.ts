/** `streamSupervisor` when something is in the way: a stuck submit, wishes at odd moments, ends that nobody asked for. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import type { StreamPlan, StreamState } from '../../workflows/contracts/streams.js';
import { createFakeActivities, type FakeActivities } from '../support/workflow-activities.js';
import { NO_TEMPORAL, openWorkflowBench, type WorkflowBench } from '../support/workflow-bench.js';
import { failedWith } from '../support/workflow-outcome.js';
import { streamPlan } from '../support/workflow-plans.js';
import { until, within } from '../support/workflow-until.js';
import { failure, passing, type FakeWorld } from '../support/workflow-world.js';

describe('faults on the way of a stream', { skip: NO_TEMPORAL, concurrency: true }, () => {
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

  test('a restart that is asked for while a submission is prepared is not lost', async () => {
    const world = worldFor('early-restart');
    const letGo = world.hold('prepareSubmission');
    const handle = await start(world);
    await until('the preparation', () => world.count('prepareSubmission') === 1);
    await handle.executeUpdate('restart');
    letGo();
    await world.job('live', 2);
    assert.equal((await stateOf(handle)).restartsInWindow, 0);
  });

  test('stop does not wait for a submit that never gets through', async () => {
    const world = worldFor('stuck');
    world.faults.set(
      'submitJob',
      Array.from({ length: 1_000 }, () => passing('JOB_NOT_READY', 'the instance is locked')),
    );
    const handle = await start(world);
    await until('two attempts', () => world.count('submitJob') >= 2);
    await handle.executeUpdate('stop');
    assert.deepEqual(await within('the stop', handle.result()), { stopped: true, submissions: 1 });
    assert.deepEqual(
      [world.jobs[0]?.cancels, world.jobs[0]?.settled.map(({ outcome }) => outcome)],
      [1, ['cancelled']],
    );
  });

  test('stop ends a stream that no worker can reach, and nothing else is started', async () => {
    const world = worldFor('unreachable', { engine: 'kafka-streams', cluster: 'nowhere' });
    const handle = await start(world);
    await until('the first submission', () => world.jobs.length === 1);
    assert.equal((await handle.describe()).status.name, 'RUNNING');
    assert.deepEqual(await handle.executeUpdate('stop'), { generation: 1 });
    assert.equal(world.count('submitJob'), 0);
  });

  test('without a worker the stream goes on trying, and says why', async () => {
    const world = worldFor('unserved', { engine: 'kafka-streams', cluster: 'absent' });
    const handle = await start(world);
    const reason = await until('the reason', async () => (await stateOf(handle)).reason, 45_000);
    assert.equal(reason, 'no worker serves streams/absent');
    assert.equal((await handle.describe()).status.name, 'RUNNING');
  });

  test('a stream that somebody ended at the engine starts again, outside the budget', async () => {
    const world = worldFor('ended', { restart: { attempts: 1, windowMs: 600_000, backoffMs: 20, maxBackoffMs: 40 } });
    world.script = (_, submission) => (submission < 5 ? { then: ['cancelled'] } : {});
    const handle = await start(world);
    await world.job('live', 5);
    await until('the fifth one is healthy', async () => (await stateOf(handle)).healthy);
    assert.equal((await stateOf(handle)).restartsInWindow, 0);
    assert.deepEqual(
      world.jobs.slice(0, 4).map(({ settled }) => settled[0]?.outcome),
      ['cancelled', 'cancelled', 'cancelled', 'cancelled'],
    );
    const { events } = await handle.fetchHistory();
    const waits = (events ?? []).flatMap(({ timerStartedEventAttributes: timer, userMetadata }) =>
      Buffer.from(userMetadata?.summary?.data ?? [])
        .toString()
        .includes('restart in')
        ? [Number(timer?.startToFireTimeout?.nanos ?? 0) / 1e6]
        : [],
    );
    assert.deepEqual(waits, [20, 40, 40, 40]);
  });

  test('a restart gives no twin to a stream whose stop was not confirmed', async () => {
    const world = worldFor('unsure');
    const handle = await start(world);
    await until('the stream is healthy', async () => (await stateOf(handle)).healthy);
    world.faults.set('cancelJob', [failure('ENGINE_REJECTED', 'the cluster refuses')]);
    await handle.executeUpdate('restart');
    const { code, message } = await failedWith(handle);
    assert.equal(code, 'JOB_STATUS_UNKNOWN');
    assert.match(message, /its stop was not confirmed \(the cluster refuses\): flink id live-1 may still run/);
    assert.equal(world.jobs.length, 1);
  });
});
