/** `reconcile` on a real Temporal server: one pass, its report, its failures, its schedule. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { ReconcileResult } from '../../workflows/contracts/reconcile.js';
import { ensureReconcileSchedule } from '../../workers/schedules.js';
import { createFakeActivities, type FakeActivities } from '../support/workflow-activities.js';
import { NO_TEMPORAL, openWorkflowBench, type WorkflowBench } from '../support/workflow-bench.js';
import { failedWith } from '../support/workflow-outcome.js';
import { until } from '../support/workflow-until.js';
import { failure } from '../support/workflow-world.js';

describe('reconcile', { skip: NO_TEMPORAL, concurrency: true }, () => {
  let bench: WorkflowBench;
  let fakes: FakeActivities;
  before(async () => {
    fakes = createFakeActivities(() => bench.client);
    bench = await openWorkflowBench(fakes.activities);
  });
  after(() => bench?.close());

  test('one pass tells what it did, as result, as query and on its page', async () => {
    const orphan = {
      key: 'a'.repeat(32),
      engineJobId: 'driver-1',
      pipeline: 'p',
      part: 'daily',
      owner: 'run/p/1997-01-02/daily',
      ownerState: 'terminated',
      action: 'reaped' as const,
      reason: 'its owner is closed',
    };
    const world = fakes.world('tidy', { reconcileReport: { live: 1, orphans: [orphan], counts: { reaped: 1 } } });
    const handle = await bench.start('reconcile', 'reconcile/tidy', { engine: 'spark', cluster: 'tidy' });
    const result = (await handle.result()) as ReconcileResult;
    assert.deepEqual([result.counts, result.orphans, result.runs], [{ reaped: 1 }, [orphan], []]);
    assert.deepEqual(await handle.query('lastReport'), result);
    assert.deepEqual(world.reconciled, [{ engine: 'spark', cluster: 'tidy', dryRun: false, force: false }]);
  });

  test('a dry run is passed on as one', async () => {
    const world = fakes.world('dry');
    const handle = await bench.start('reconcile', 'reconcile/dry', { engine: 'spark', cluster: 'dry', dryRun: true });
    await handle.result();
    assert.equal(world.reconciled[0]?.dryRun, true);
  });

  test('a pass that could not look fails with the reason', async () => {
    const world = fakes.world('away');
    world.faults.set('reconcileCluster', [failure('ENGINE_UNREACHABLE', 'Spark away does not answer')]);
    const handle = await bench.start('reconcile', 'reconcile/away', { engine: 'spark', cluster: 'away' });
    assert.deepEqual(await failedWith(handle), {
      code: 'ENGINE_UNREACHABLE',
      message: 'Spark away does not answer',
    });
  });

  test('a pass whose cluster has no worker says so', async () => {
    fakes.world('unserved');
    const input = { engine: 'kafka-streams', cluster: 'unserved' };
    const { code, message } = await failedWith(await bench.start('reconcile', 'reconcile/unserved', input));
    assert.deepEqual([code, message], ['ENGINE_UNREACHABLE', 'no worker serves streams/unserved']);
  });

  test('an input that cannot be right is refused', async () => {
    const { code, message } = await failedWith(await bench.start('reconcile', 'reconcile/wrong', { engine: 'spark' }));
    assert.equal(code, 'INVALID_REQUEST');
    assert.match(message, /cluster is missing.*\{"engine":"spark","cluster":"spark"\}/);
  });

  test('its schedule is made once, brought up to date, and stays paused when a person paused it', async () => {
    const cluster = `scheduled-${randomUUID()}`;
    const handle = bench.client.schedule.getHandle(`reconcile/${cluster}`);
    await Promise.all([1, 2].map(() => ensureReconcileSchedule(bench.client, 'spark', cluster, 3_600_000)));
    try {
      const first = await handle.describe();
      assert.deepEqual(
        [first.spec.intervals?.map(({ every }) => every), first.policies.overlap, first.policies.catchupWindow],
        [[3_600_000], 'SKIP', 10_000],
      );
      assert.equal(first.action.workflowId, `reconcile/${cluster}`);
      assert.deepEqual(first.action.args, [{ engine: 'spark', cluster }]);
      await handle.pause('by a person');
      await ensureReconcileSchedule(bench.client, 'spark', cluster, 7_200_000);
      await until('the new interval', async () => (await handle.describe()).spec.intervals?.[0]?.every === 7_200_000);
      assert.equal((await handle.describe()).state.paused, true);
    } finally {
      await handle.delete();
    }
  });
});
