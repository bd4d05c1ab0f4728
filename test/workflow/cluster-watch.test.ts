/** `clusterWatch` and `curatedSync` on a real Temporal server: passes, nudge, continue-as-new, queries. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import { createTemporalPort } from '../../workers/temporal-port.js';
import { createFakeActivities, type FakeActivities } from '../support/workflow-activities.js';
import { NO_TEMPORAL, openWorkflowBench, type WorkflowBench } from '../support/workflow-bench.js';
import { assertCancelled } from '../support/workflow-outcome.js';
import { until } from '../support/workflow-until.js';

interface Watched {
  cluster: string;
  passes: number;
  last?: { watched: number };
}

describe('long loops', { skip: NO_TEMPORAL, concurrency: true }, () => {
  let bench: WorkflowBench;
  let fakes: FakeActivities;
  before(async () => {
    fakes = createFakeActivities(() => bench.client);
    bench = await openWorkflowBench(fakes.activities);
  });
  after(() => bench?.close());

  const watch = (cluster: string): Promise<WorkflowHandle> =>
    bench.start('clusterWatch', `watch/${cluster}`, { engine: 'flink', cluster });
  const firstRunOf = async (handle: WorkflowHandle): Promise<string> => (await handle.describe()).runId;

  test('one pass follows the other, and the query tells of the last one', async () => {
    const world = fakes.world('passes');
    const handle = await watch('passes');
    for (const pass of [1, 2]) {
      await until(`pass ${pass}`, () => world.passes === pass && world.endPass !== undefined);
      world.endPass?.();
      world.endPass = undefined;
    }
    await until('pass 3', () => world.passes === 3);
    const watched = await handle.query<Watched>('watched');
    assert.deepEqual([watched.cluster, watched.passes, watched.last?.watched], ['passes', 2, 2]);
  });

  test('a nudge ends the pass under way and begins the next one', async () => {
    const world = fakes.world('nudged');
    const handle = await watch('nudged');
    await until('the first pass', () => world.passes === 1);
    await handle.signal('nudge');
    await until('the second pass', () => world.passes === 2);
    assert.equal((await handle.query<Watched>('watched')).passes, 1);
    assert.equal((await handle.describe()).status.name, 'RUNNING');
    await handle.signal('nudge');
    await until('the third pass', () => world.passes === 3);
  });

  test('a pass is tried again without limit, beats within three intervals, and lasts longer than its hour', async () => {
    const world = fakes.world('limits');
    const handle = await watch('limits');
    await until('the first pass', () => world.passes === 1);
    const { events } = await handle.fetchHistory();
    const pass = events?.find(
      (event) => event.activityTaskScheduledEventAttributes,
    )?.activityTaskScheduledEventAttributes;
    const seconds = (of: { seconds?: unknown } | null | undefined): number => Number(of?.seconds);
    assert.equal(pass?.activityType?.name, 'watchCluster');
    assert.equal(pass?.retryPolicy?.maximumAttempts ?? 0, 0);
    // Three of the slowest intervals: five times the base of a second.
    assert.equal(seconds(pass?.heartbeatTimeout), 15);
    assert.ok(seconds(pass?.startToCloseTimeout) > 3_600);
  });

  test('whoever ensures the watcher finds the one that runs, or starts it again', async () => {
    const world = fakes.world('ensured');
    const port = createTemporalPort(bench.client);
    const handle = bench.client.workflow.getHandle('watch/ensured');
    await port.ensureWatcher('flink', 'ensured');
    await until('the first pass', () => world.passes === 1);
    const first = await firstRunOf(handle);
    await Promise.all([port.ensureWatcher('flink', 'ensured'), port.ensureWatcher('flink', 'ensured')]);
    assert.equal(await firstRunOf(handle), first);
    assert.equal(world.passes, 1);
    await handle.terminate('somebody ended it');
    await port.ensureWatcher('flink', 'ensured');
    assert.notEqual(await firstRunOf(handle), first);
    await until('it watches again', () => world.passes === 2);
  });

  test('a cancel ends the watch', async () => {
    const world = fakes.world('watch-cancelled');
    const handle = await watch('watch-cancelled');
    await until('the first pass', () => world.passes === 1);
    await handle.cancel();
    await assertCancelled(handle);
  });

  test('after its passes the watch continues as new and goes on', async () => {
    const world = fakes.world('long-watch', { passesEndAtOnce: true });
    const handle = await watch('long-watch');
    const first = await firstRunOf(handle);
    await until('another run', async () => (await firstRunOf(handle)) !== first);
    world.passesEndAtOnce = false;
    assert.ok(world.passes >= 24, `${world.passes} passes`);
    const { events } = await bench.client.workflow.getHandle('watch/long-watch', first).fetchHistory();
    assert.ok(events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes);
  });

  test('a sync sums up what it copied and tells its lag', async () => {
    const world = fakes.world('copied');
    const handle = await bench.start('curatedSync', 'sync/copied/city_sales_live', {
      pipeline: 'copied',
      table: 'city_sales_live',
    });
    await until('the first pass', () => world.passes === 1);
    assert.deepEqual(await handle.query('lag'), { rows: 0 });
    for (const pass of [1, 2]) {
      await until(`pass ${pass}`, () => world.passes === pass && world.endPass !== undefined);
      world.endPass?.();
      world.endPass = undefined;
    }
    await until('the third pass', () => world.passes === 3);
    const report = await handle.query<{ rows: number; lag: number; asOf: string }>('lag');
    assert.deepEqual([report.rows, report.lag], [20, 3]);
    assert.match(report.asOf, /^\d{4}-\d\d-\d\dT/);
    assert.equal(world.count('resolveSync'), 1);
  });
});
