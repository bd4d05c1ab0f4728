/** `streamSupervisor` when something is in the way: a stuck submit, wishes at odd moments, ends that nobody asked for. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import type { StreamPlan, StreamState } from '../../workflows/contracts/streams.js';
import { createFakeActivities, type FakeActivities } from '../support/workflow-activities.js';
import { NO_TEMPORAL, openWorkflowBench, type WorkflowBench } from '../support/workflow-bench.js';
import { assertCancelled, failedWith } from '../support/workflow-outcome.js';
import { streamPlan } from '../support/workflow-plans.js';
import { eventSeen, until, within } from '../support/workflow-until.js';
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

  test('a cancel while the submit is under way waits for it, and then ends what it made', async () => {
    const world = worldFor('mid-submit');
    const letGo = world.hold('submitJob');
    const handle = await start(world);
    await until('the submit', () => world.count('submitJob') === 1);
    await handle.cancel();
    await until('the cancel is in the history', () =>
      eventSeen(handle, 'workflowExecutionCancelRequestedEventAttributes'),
    );
    assert.equal(world.count('cancelJob'), 0);
    letGo();
    await assertCancelled(handle);
    const [job] = world.jobs;
    assert.deepEqual([world.jobs.length, job?.snapshot.state], [1, 'cancelled']);
    assert.deepEqual(
      job?.settled.map(({ outcome }) => outcome),
      ['cancelled'],
    );
  });

  test('stop during an attempt that then fails is a stop, not a failure', async () => {
    const world = worldFor('stop-failing');
    const letGo = world.hold('submitJob');
    world.faults.set('submitJob', [passing('ENGINE_UNREACHABLE', 'connection reset')]);
    const handle = await start(world);
    await until('the submit', () => world.count('submitJob') === 1);
    await handle.executeUpdate('stop');
    letGo();
    assert.deepEqual(await within('the stop', handle.result()), { stopped: true, submissions: 1 });
    assert.equal(world.jobs[0]?.settled[0]?.outcome, 'cancelled');
  });

  test('a stream that wants a savepoint at its end gets one at stop and at cancel, not at a restart', async () => {
    const world = worldFor('gentle', { onCancel: 'savepoint-and-stop' });
    world.cancelledAs = ['succeeded', { restorePoint: 'file:///savepoints/1' }];
    const handle = await start(world);
    const first = await world.job('live');
    await handle.executeUpdate('restart');
    await world.job('live', 2);
    assert.equal(first.how, 'kill');
    await handle.executeUpdate('stop');
    const result: unknown = await within('the stop', handle.result());
    assert.deepEqual(result, { stopped: true, submissions: 2, restorePoint: 'file:///savepoints/1' });
    assert.equal(world.jobs[1]?.how, 'savepoint-and-stop');

    const other = worldFor('gentle-cancel', { onCancel: 'savepoint-and-stop' });
    const cancelled = await start(other);
    const job = await other.job('live');
    await cancelled.cancel();
    await assertCancelled(cancelled);
    assert.equal(job.how, 'savepoint-and-stop');
  });

  test('a stream that wants to be left alone is left at a cancel, and ended at a stop', async () => {
    const world = worldFor('left', { onCancel: 'leave' });
    const handle = await start(world);
    const job = await world.job('live');
    await handle.cancel();
    await assertCancelled(handle);
    assert.deepEqual([job.cancels, job.snapshot.state], [0, 'running']);
    assert.match(job.settled[0]?.reason ?? '', /flink id live-1 is left running as declared/);

    const other = worldFor('left-stop', { onCancel: 'leave' });
    const stopped = await start(other);
    const ended = await other.job('live');
    await stopped.executeUpdate('stop');
    await within('the stop', stopped.result());
    assert.equal(ended.snapshot.state, 'cancelled');
  });

  test('stop is accepted while no worker serves the engine, and nothing else is started', async () => {
    const world = worldFor('unreachable', { engine: 'kafka-streams', cluster: 'nowhere' });
    const handle = await start(world);
    await until('the first submission', () => world.jobs.length === 1);
    assert.equal((await handle.describe()).status.name, 'RUNNING');
    assert.deepEqual(await handle.executeUpdate('stop'), { generation: 1 });
    assert.equal(world.count('submitJob'), 0);
  });

  test('a question that is refused ends no stream', async () => {
    const world = worldFor('ask-refused');
    world.nextCheckMs = 200;
    world.faults.set('askJob', [failure('ENGINE_REJECTED', 'HTTP 403 from a proxy')]);
    const handle = await start(world);
    const job = await world.job('live');
    await until('it is asked again', () => job.asked >= 2);
    assert.deepEqual([job.cancels, (await handle.describe()).status.name], [0, 'RUNNING']);
  });

  test('a supervisor that was asked to begin anew says so in every submission', async () => {
    const world = worldFor('anew');
    world.script = (_, submission) => (submission < 2 ? { then: ['failed'] } : {});
    const input = { pipeline: world.name, stream: 'live', fresh: true };
    await bench.start('streamSupervisor', `stream/${world.name}/live`, input);
    await world.job('live', 2);
    assert.deepEqual(
      world.jobs.map(({ request }) => request.fresh),
      [true, true],
    );
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
