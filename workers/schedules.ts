/** Temporal schedules that the product itself needs: one pass of `reconcile` per cluster, again and again. */
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { reconcileWorkflowId } from '../workflows/contracts/ids.js';
import type { EngineKind } from '../workflows/contracts/plans.js';
import type { ReconcileInput } from '../workflows/contracts/reconcile.js';
import { CONTROL_QUEUE } from '../workflows/contracts/task-queues.js';

/** Creates the cluster's schedule, or brings it up to date; one that a person has paused stays paused. */
export async function ensureReconcileSchedule(
  client: Client,
  engine: EngineKind,
  cluster: string,
  everyMs: number,
): Promise<void> {
  const scheduleId = reconcileWorkflowId(cluster);
  const input: ReconcileInput = { engine, cluster };
  const wanted = {
    spec: { intervals: [{ every: everyMs }] },
    action: {
      type: 'startWorkflow' as const,
      workflowType: 'reconcile',
      workflowId: scheduleId,
      taskQueue: CONTROL_QUEUE,
      args: [input],
      // A pass that hangs must not keep all later ones from looking.
      workflowExecutionTimeout: '15m',
      staticSummary: `ends jobs on ${cluster} whose owner is gone`,
    },
    // A pass looks at what is, so a missed or an overlapping one adds nothing.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10s', pauseOnFailure: false },
  };
  try {
    await client.schedule.create({ scheduleId, ...wanted });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule.getHandle(scheduleId).update((previous) => ({ ...wanted, state: previous.state }));
  }
}
