/** The named option sets under which workflows call activities. */
import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../contracts/activities.js';
import { engineQueue } from '../contracts/task-queues.js';
import type { EngineKind } from '../contracts/plans.js';

/** Postgres only: short, tried again for as long as Postgres is away. */
export const quick = proxyActivities<Activities>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '500ms', maximumInterval: '15s' },
});

/** Moves rows: long, heartbeating, resumes from what it committed. */
export const sink = proxyActivities<Activities>({
  startToCloseTimeout: '2h',
  heartbeatTimeout: '60s',
  retry: { initialInterval: '1s', maximumInterval: '30s', maximumAttempts: 10 },
});

/** Talks to one engine, on the queue of the workers that reach it. */
export const onEngine = (engine: EngineKind, cluster: string, scheduleToCloseMs: number) =>
  proxyActivities<Activities>({
    taskQueue: engineQueue(engine, cluster),
    startToCloseTimeout: '5m',
    heartbeatTimeout: '30s',
    scheduleToCloseTimeout: scheduleToCloseMs,
    retry: { initialInterval: '1s', maximumInterval: '30s' },
  });

/** The watch loop: runs for an hour, is replaced within three intervals when its worker dies. */
export const onWatch = (engine: EngineKind, cluster: string) =>
  proxyActivities<Activities>({
    taskQueue: engineQueue(engine, cluster),
    startToCloseTimeout: '2h',
    heartbeatTimeout: '15s',
    retry: { initialInterval: '1s', maximumInterval: '15s' },
  });
