/** `pipelineRun` on a real Temporal server: order, results, failures, cancel, claims, and what the UI shows of a run. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import { createFakeActivities, type FakeActivities } from '../support/workflow-activities.js';
import { NO_TEMPORAL, openWorkflowBench, type WorkflowBench } from '../support/workflow-bench.js';
import { assertCancelled, failedWith } from '../support/workflow-outcome.js';
import { declaredPlan, stagePlan, tablePlan } from '../support/workflow-plans.js';
import { eventSeen, until } from '../support/workflow-until.js';
import { failure, type FakeWorld } from '../support/workflow-world.js';

const DAY = '1997-01-02';

describe('pipelineRun', { skip: NO_TEMPORAL, concurrency: true }, () => {
  let bench: WorkflowBench;
  let fakes: FakeActivities;
  before(async () => {
    fakes = createFakeActivities(() => bench.client);
    bench = await openWorkflowBench(fakes.activities);
  });
  after(() => bench?.close());

  const startRun = (world: FakeWorld, partition = DAY): Promise<WorkflowHandle> =>
    bench.start('pipelineRun', `run/${world.name}/${partition.replace('/', '_')}`, { pipeline: world.name, partition });

  test('a day goes through all steps in order, and its page tells the story', async () => {
    const world = fakes.world('day', {
      plan: declaredPlan([stagePlan('daily')], {
        comparisons: [{ table: 'city_sales_live', check: { type: 'reconcile' } }],
      }),
    });
    const handle = await startRun(world);
    const result = (await handle.result()) as Record<string, unknown>;
    assert.deepEqual(world.calls, [
      ...['resolveRun', 'claimPartition', 'prepareSubmission', 'submitJob', 'acknowledgeJob', 'settleJob'],
      ...['loadStaging', 'runChecks', 'publishTable', 'dropStaging', 'compareTables', 'finishRun'],
    ]);
    assert.equal(result['verdict'], 'pass');
    assert.deepEqual(result['tables'], [
      { table: 'city_sales_daily', published: 1, rows: 12, empty: 0, superseded: 0, held: [] },
    ]);
    assert.deepEqual(
      world.finished.map(({ outcome, verdict }) => [outcome, verdict]),
      [['succeeded', 'pass']],
    );

    const { typedSearchAttributes, memo } = await handle.describe();
    const shown = Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
    assert.deepEqual(
      { ...shown, BuildIds: undefined, TemporalReportedProblems: undefined },
      {
        SluicePipeline: 'day',
        SluicePartition: DAY,
        SluiceEngine: 'spark',
        SluiceState: 'succeeded',
        SluiceTrigger: 'api',
        BuildIds: undefined,
        TemporalReportedProblems: undefined,
      },
    );
    assert.equal(memo?.['stage daily'], 'spark daily-1 http://127.0.0.1/jobs/daily-1');
    assert.equal(memo?.['owner'], 'sales-analytics');
    const details = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    assert.match(details.currentDetails, /engine id `daily-1` \(\[open\]\(http:\/\/127\.0\.0\.1\/jobs\/daily-1\)\)/);
  });

  test("a stage that fails by the user's code ends the run once, without another submission", async () => {
    const world = fakes.world('user-error', {
      script: () => ({ then: [['failed', { blame: 'user', reason: 'column sales not found' }]] }),
    });
    const { code, message } = await failedWith(await startRun(world));
    assert.equal(code, 'JOB_FAILED_USER');
    assert.match(message, /daily: column sales not found \(submission 1 of 3\)/);
    assert.equal(world.jobs.length, 1);
    assert.equal(world.count('loadStaging'), 0);
    assert.deepEqual(
      world.finished.map(({ outcome, message: why }) => [outcome, why]),
      [['failed', `JOB_FAILED_USER: ${message}`]],
    );
  });

  test('a cancelled run ends its engine job first, confirmed, and is recorded as cancelled', async () => {
    const world = fakes.world('cancelled', { script: () => ({}) });
    const handle = await startRun(world);
    const job = await world.job('daily');
    await handle.cancel();
    await assertCancelled(handle);
    assert.equal(job.snapshot.state, 'cancelled');
    assert.deepEqual(
      job.settled.map(({ outcome }) => outcome),
      ['cancelled'],
    );
    assert.deepEqual(
      world.finished.map(({ outcome }) => outcome),
      ['cancelled'],
    );
    assert.deepEqual(world.calls.slice(-3), ['cancelJob', 'settleJob', 'finishRun']);
    assert.equal(
      (await bench.client.workflow.getHandle(`run/cancelled/${DAY}/daily`).describe()).status.name,
      'CANCELLED',
    );
  });

  test('a cancel waits for a publish that is under way before the run is recorded as cancelled', async () => {
    const world = fakes.world('cancel-publish');
    const letGo = world.hold('publishTable');
    const handle = await startRun(world);
    await until('the publish', () => world.count('publishTable') === 1);
    await handle.cancel();
    await until('the cancel is in the history', () =>
      eventSeen(handle, 'workflowExecutionCancelRequestedEventAttributes'),
    );
    assert.equal(world.finished.length, 0);
    letGo();
    await handle.result().catch(() => undefined);
    assert.deepEqual(
      world.finished.map(({ outcome }) => outcome),
      ['cancelled'],
    );
    assert.equal((await handle.describe()).status.name, 'CANCELLED');
  });

  test('when one of two stages fails, the other is cancelled and awaited before the run fails', async () => {
    const world = fakes.world('siblings', {
      plan: declaredPlan([stagePlan('slow'), stagePlan('broken')], { tables: [] }),
      script: () => ({}),
    });
    const handle = await startRun(world);
    const [slow, broken] = await Promise.all([world.job('slow'), world.job('broken')]);
    await world.become(broken, 'failed', { blame: 'user', reason: 'division by zero' });
    const { code, message } = await failedWith(handle);
    assert.equal(code, 'JOB_FAILED_USER');
    assert.match(message, /^broken: division by zero/);
    assert.deepEqual([slow.snapshot.state, slow.settled.map(({ outcome }) => outcome)], ['cancelled', ['cancelled']]);
    assert.ok(world.calls.lastIndexOf('settleJob') < world.calls.indexOf('finishRun'), world.calls.join(' '));
    assert.equal(world.count('finishRun'), 1);
  });

  test('a stage starts when what it reads is done, and gets its manifest', async () => {
    const world = fakes.world('chain', {
      plan: declaredPlan(
        [stagePlan('top', { dependsOn: ['daily', 'other'] }), stagePlan('daily'), stagePlan('other')],
        {
          tables: [tablePlan('top')],
        },
      ),
    });
    await (await startRun(world)).result();
    assert.equal(world.jobs.at(-1)?.part, 'top');
    const { target } = (await world.job('top')).request;
    assert.ok(target.kind === 'stage');
    assert.deepEqual(Object.keys(target.upstream).sort(), ['daily', 'other']);
    for (const manifest of Object.values(target.upstream)) assert.match(manifest, /_manifest\.json$/);
  });

  test('a stage whose predecessor failed never starts', async () => {
    const world = fakes.world('broken-chain', {
      plan: declaredPlan([stagePlan('daily'), stagePlan('top', { dependsOn: ['daily'] })], { tables: [] }),
      script: () => ({ then: [['failed', { blame: 'user', reason: 'no' }]] }),
    });
    assert.equal((await failedWith(await startRun(world))).code, 'JOB_FAILED_USER');
    assert.deepEqual(
      world.jobs.map(({ part }) => part),
      ['daily'],
    );
  });

  test('a partition that a living run holds fails at once', async () => {
    const world = fakes.world('held', {
      claims: [failure('ALREADY_RUNNING', 'ALREADY_RUNNING run/held/x: it holds it')],
    });
    const { code, message } = await failedWith(await startRun(world));
    assert.deepEqual([code, message], ['ALREADY_RUNNING', 'ALREADY_RUNNING run/held/x: it holds it']);
    assert.equal(world.jobs.length, 0);
    assert.deepEqual(
      world.finished.map(({ outcome }) => outcome),
      ['failed'],
    );
  });

  test('a day waits for the range that holds it, says so, and gives up when told that it was the last try', async () => {
    const busy = { granted: false as const, busyWith: 'run/waits/1997-01-01_1997-02-01', firstBusyDay: DAY };
    const world = fakes.world('waits', { claims: [busy, failure('PARTITION_BUSY', 'PARTITION_BUSY: still held')] });
    const handle = await startRun(world);
    const note = await until('the note of what it waits for', async () => {
      const progress = await handle.query<{ note?: string }>('progress');
      return progress.note;
    });
    assert.match(note, /waiting for run\/waits\/1997-01-01_1997-02-01, which holds 1997-01-02/);
    assert.equal((await failedWith(handle)).code, 'PARTITION_BUSY');
    assert.deepEqual(world.lastTries, [false, false]);
  });

  test('a day that the range has let go is run', async () => {
    const busy = { granted: false as const, busyWith: 'run/lets-go/range', firstBusyDay: DAY };
    const world = fakes.world('lets-go', { claims: [busy] });
    const handle = await startRun(world);
    await handle.result();
    assert.equal(world.count('claimPartition'), 2);
    assert.equal((await handle.query<{ note?: string }>('progress')).note, undefined);
  });

  test('partitions held back by a check fail the run with the name of the check; nothing is compared', async () => {
    const world = fakes.world('held-back', {
      held: [{ partition: DAY, checks: ['sales-not-negative'] }],
      plan: declaredPlan([stagePlan('daily')], { comparisons: [{ table: 'x', check: { type: 'reconcile' } }] }),
    });
    const { code, message } = await failedWith(await startRun(world));
    assert.equal(code, 'QUALITY_BLOCKED');
    assert.match(message, /city_sales_daily: 1 partition\(s\) held back by checks: 1997-01-02 \(sales-not-negative\)/);
    assert.equal(world.finished[0]?.failedCheck, 'sales-not-negative');
    assert.equal(world.count('compareTables'), 0);
    assert.equal(world.count('dropStaging'), 1);
  });

  test('a comparison that disagrees is the verdict of a run that goes well; one without data is none', async () => {
    const plan = declaredPlan([stagePlan('daily')], { comparisons: [{ table: 'x', check: { type: 'reconcile' } }] });
    const differs = fakes.world('differs', { plan, comparison: { verdict: 'warn', differ: 1 } });
    const empty = fakes.world('nothing-yet', { plan, comparison: { verdict: 'empty' } });
    const [first, second] = await Promise.all(
      [differs, empty].map(async (world) => (await startRun(world)).result() as Promise<{ verdict: string }>),
    );
    assert.deepEqual([first?.verdict, second?.verdict], ['warn', 'pass']);
  });

  test('a request that cannot be right fails before anything is recorded', async () => {
    const handle = await bench.start('pipelineRun', 'run/nobody/x', { pipeline: 'nobody', partition: DAY });
    const { code, message } = await failedWith(handle);
    assert.deepEqual([code, message], ['INVALID_REQUEST', "unknown pipeline 'nobody'"]);
  });

  test('a paused run starts no stage until it is resumed', async () => {
    const world = fakes.world('paused');
    const handle = await bench.client.workflow.signalWithStart('pipelineRun', {
      ...{ workflowId: `run/paused/${DAY}`, taskQueue: 'control', signal: 'pause' },
      args: [{ pipeline: 'paused', partition: DAY }],
    });
    await until('the run is paused', async () => {
      const progress = await handle.query<{ state: string; paused: boolean }>('progress');
      return progress.paused && progress.state === 'running';
    });
    assert.equal(world.jobs.length, 0);
    await handle.signal('resume');
    await handle.result();
    assert.equal(world.jobs.length, 1);
  });
});
