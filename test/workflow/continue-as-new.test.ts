/** Long histories: owners of jobs continue as new with the job they have, under the key that they had. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import type { StreamState } from '../../workflows/contracts/streams.js';
import { createFakeActivities, type FakeActivities } from '../support/workflow-activities.js';
import { NO_TEMPORAL, openWorkflowBench, type WorkflowBench } from '../support/workflow-bench.js';
import { runRef, stagePlan } from '../support/workflow-plans.js';
import { assertCancelled } from '../support/workflow-outcome.js';
import { until } from '../support/workflow-until.js';
import { passing, type FakeJob, type FakeWorld } from '../support/workflow-world.js';

/** Together more than the history size at which the server suggests it. */
const SIGNALS = 12;
const SIGNAL_BYTES = 400_000;

describe('continue as new', { skip: NO_TEMPORAL, concurrency: true }, () => {
  let bench: WorkflowBench;
  let fakes: FakeActivities;
  before(async () => {
    fakes = createFakeActivities(() => bench.client);
    bench = await openWorkflowBench(fakes.activities);
  });
  after(() => bench?.close());

  /** Fills the history with signals that mean nothing, then lets the owner look up. */
  async function untilRenewed(world: FakeWorld, job: FakeJob, handle: WorkflowHandle): Promise<void> {
    const { runId } = await handle.describe();
    const key = 'x'.repeat(SIGNAL_BYTES);
    for (let sent = 0; sent < SIGNALS; sent += 1) await world.signal(job, key, 1);
    await world.become(job, 'restarting');
    await until('another run', async () => (await handle.describe()).runId !== runId, 60_000);
  }

  test('an engine job keeps its submission', async () => {
    const world = fakes.world('long-job', { script: () => ({}) });
    const handle = await bench.start('engineJob', 'run/long-job/daily', {
      run: runRef('long-job'),
      stage: stagePlan('daily'),
    });
    const job = await world.job('daily');
    await untilRenewed(world, job, handle);
    await until('it finds its job again', () => job.submits === 2);
    await world.become(job, 'succeeded');
    const result = (await bench.client.workflow.getHandle('run/long-job/daily').result()) as {
      key: string;
      submissions: number;
    };
    assert.deepEqual([result.key, result.submissions, world.jobs.length], [job.key, 1, 1]);
    assert.deepEqual(
      job.settled.map(({ outcome }) => outcome),
      ['succeeded'],
    );
  });

  test('a cancel before a renewed engine job found its submission again still ends the job', async () => {
    const world = fakes.world('renewed-cancel', { script: () => ({}) });
    const handle = await bench.start('engineJob', 'run/renewed-cancel/daily', {
      run: runRef('renewed-cancel'),
      stage: stagePlan('daily'),
    });
    const job = await world.job('daily');
    world.faults.set(
      'prepareSubmission',
      Array.from({ length: 1_000 }, () => passing('STORE_UNREACHABLE', 'away')),
    );
    await untilRenewed(world, job, handle);
    await until('it tries to find it', () => world.count('prepareSubmission') > 1);
    const newest = bench.client.workflow.getHandle('run/renewed-cancel/daily');
    await newest.cancel();
    await assertCancelled(newest);
    assert.deepEqual([job.cancels, job.snapshot.state, world.jobs.length], [1, 'cancelled', 1]);
  });

  test('a cancel before a renewed supervisor found its stream again still ends it', async () => {
    const world = fakes.world('renewed-stream', { script: () => ({}) });
    const handle = await bench.start('streamSupervisor', 'stream/renewed-stream/live', {
      pipeline: 'renewed-stream',
      stream: 'live',
    });
    const job = await world.job('live');
    world.faults.set(
      'prepareSubmission',
      Array.from({ length: 1_000 }, () => passing('STORE_UNREACHABLE', 'away')),
    );
    await untilRenewed(world, job, handle);
    await until('it tries to find it', () => world.count('prepareSubmission') > 1);
    const newest = bench.client.workflow.getHandle('stream/renewed-stream/live');
    await newest.cancel();
    await assertCancelled(newest);
    assert.deepEqual([job.cancels, job.snapshot.state], [1, 'cancelled']);
  });

  test('a supervisor keeps its stream, and stop still ends it', async () => {
    const world = fakes.world('long-stream', { script: () => ({}) });
    const handle = await bench.start('streamSupervisor', 'stream/long-stream/live', {
      pipeline: 'long-stream',
      stream: 'live',
    });
    const job = await world.job('live');
    await untilRenewed(world, job, handle);
    await until('it finds its stream again', () => job.submits === 2);
    const newest = bench.client.workflow.getHandle('stream/long-stream/live');
    assert.equal((await newest.query<StreamState>('state')).key, job.key);
    await newest.executeUpdate('stop');
    assert.deepEqual(await newest.result(), { stopped: true, submissions: 1 });
    assert.deepEqual([world.jobs.length, job.cancels, job.snapshot.state], [1, 1, 'cancelled']);
    assert.equal(world.count('resolveStream'), 1);
  });
});
