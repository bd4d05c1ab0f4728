/** The named option sets under which workflows call activities. */
import { ActivityCancellationType, proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type { Activities } from '../contracts/activities.js';
import { engineQueue } from '../contracts/task-queues.js';
import type { EngineKind } from '../contracts/plans.js';

/**
 * A cancelled workflow goes on only when the activity has ended: otherwise a submit that is still under way could reach
 * the engine after the cancel, and a publish could commit after its run was recorded as cancelled.
 */
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

/** Postgres only: short, tried again for as long as Postgres is away; a fault that nobody knows ends by itself. */
export const quick = proxyActivities<Activities>({
  startToCloseTimeout: '30s',
  cancellationType,
  retry: { initialInterval: '500ms', maximumInterval: '15s' },
});

/** Moves rows: long, heartbeating, resumes from what it committed. */
export const sink = proxyActivities<Activities>({
  startToCloseTimeout: '2h',
  heartbeatTimeout: '60s',
  cancellationType,
  retry: { initialInterval: '1s', maximumInterval: '30s', maximumAttempts: 10 },
});

/** Talks to one engine, on the queue of the workers that reach it; callers bound it in rounds. */
export const onEngine = (engine: EngineKind, cluster: string) =>
  proxyActivities<Activities>({
    taskQueue: engineQueue(engine, cluster),
    startToCloseTimeout: '5m',
    heartbeatTimeout: '30s',
    cancellationType,
    retry: { initialInterval: '1s', maximumInterval: '30s' },
  });

/** Work that a schedule does again anyway: it heartbeats, and gives up soon. */
const passing: ActivityOptions = {
  startToCloseTimeout: '10m',
  heartbeatTimeout: '30s',
  cancellationType,
  retry: { initialInterval: '2s', maximumInterval: '30s', maximumAttempts: 3 },
};
export const tidy = proxyActivities<Activities>(passing);

/** A pass of reconcile over one engine's cluster. */
export const onReconcile = (engine: EngineKind, cluster: string) =>
  proxyActivities<Activities>({
    ...passing,
    taskQueue: engineQueue(engine, cluster),
    scheduleToStartTimeout: '30s',
  });

/** The watch loop: runs for an hour, is replaced within three intervals when its worker dies. */
export const onWatch = (engine: EngineKind, cluster: string) =>
  proxyActivities<Activities>({
    taskQueue: engineQueue(engine, cluster),
    startToCloseTimeout: '2h',
    heartbeatTimeout: '15s',
    retry: { initialInterval: '1s', maximumInterval: '15s' },
  });
