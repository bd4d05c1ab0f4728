/** Temporal workers of one process: one per task queue of its roles. */
import { NativeConnection, Worker } from '@temporalio/worker';
import { createActivities } from '../activities/index.js';
import type { ActivityDeps } from '../activities/deps.js';
import type { Config } from '../infra/config.js';
import { CONTROL_QUEUE, engineQueue, hostQueue } from '../workflows/contracts/task-queues.js';

export const ROLES = ['control', 'flink', 'spark', 'host'] as const;
export type Role = (typeof ROLES)[number];

const queueOf = (role: Role, config: Config): string => {
  if (role === 'control') return CONTROL_QUEUE;
  if (role === 'host') return hostQueue(config.SLUICE_HOST_NAME);
  return engineQueue(role, role === 'flink' ? config.SLUICE_FLINK_CLUSTER : config.SLUICE_SPARK_CLUSTER);
};

export interface Workers {
  /**
   * Resolves when all workers have shut down; when one fails the others are shut down too, and it rejects. `onPolling` is
   * called once all of them poll, unless their end was asked for before.
   */
  run: (onPolling: () => void) => Promise<void>;
  /** Asks for the end, also of workers that do not run yet. */
  shutdown: () => void;
}

export async function createWorkers(
  config: Config,
  roles: readonly Role[],
  deps: ActivityDeps,
  bundlePath: string,
): Promise<Workers> {
  const connection = await NativeConnection.connect({ address: config.TEMPORAL_ADDRESS });
  const activities = createActivities(deps);
  const workers = await Promise.all(
    roles.map((role) =>
      Worker.create({
        connection,
        namespace: config.TEMPORAL_NAMESPACE,
        taskQueue: queueOf(role, config),
        activities,
        ...(role === 'control' ? { workflowBundle: { codePath: bundlePath } } : {}),
        // Long watch and sync activities hold a slot each; the rest are short.
        maxConcurrentActivityTaskExecutions: 200,
        maxCachedWorkflows: 500,
        // Heartbeats carry a cancel back; workflows wait for their activities to end, so this bounds how long a cancel takes.
        maxHeartbeatThrottleInterval: '2s',
        defaultHeartbeatThrottleInterval: '2s',
        shutdownGraceTime: '5s',
        shutdownForceTime: '15s',
      }),
    ),
  );
  let stopWanted = false;
  const shutdown = (): void => {
    stopWanted = true;
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  return {
    run: async (onPolling) => {
      // Each polls as soon as its run has begun; one that ends takes the others along, or half a process would live on.
      const running = workers.map((worker) => worker.run().finally(shutdown));
      if (stopWanted) shutdown();
      else if (workers.every((worker) => worker.getState() === 'RUNNING')) onPolling();
      const ends = await Promise.allSettled(running);
      await connection.close();
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
    shutdown,
  };
}
