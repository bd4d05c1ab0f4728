/** What activities ask of Temporal, over one client. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { TemporalPort } from '../activities/deps.js';
import { watchWorkflowId, type OwnerPair } from '../workflows/contracts/ids.js';
import type { EngineKind } from '../workflows/contracts/plans.js';
import { CONTROL_QUEUE } from '../workflows/contracts/task-queues.js';

export function createTemporalPort(client: Client): TemporalPort {
  return {
    async isClosed(owner: OwnerPair): Promise<boolean> {
      try {
        const found = await client.workflow.getHandle(owner.workflowId).describe();
        const firstRunId = found.raw.workflowExecutionInfo?.firstRunId;
        // At most one chain per id is open: when the newest one is another, the owner's has ended.
        if (firstRunId && firstRunId !== owner.firstRunId) return true;
        return found.status.name !== 'RUNNING' && found.status.name !== 'PAUSED';
      } catch (error) {
        // Retention deletes closed executions only, so a clear "not found" means that nothing of that id runs.
        if (error instanceof WorkflowNotFoundError) return true;
        throw error;
      }
    },

    async signalJobChanged(workflowId, change) {
      try {
        await client.workflow.getHandle(workflowId).signal('jobChanged', change);
        return true;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },

    async ensureWatcher(engine: EngineKind, cluster: string): Promise<void> {
      await client.workflow.start('clusterWatch', {
        workflowId: watchWorkflowId(cluster),
        taskQueue: CONTROL_QUEUE,
        args: [{ engine, cluster }],
        workflowIdConflictPolicy: 'USE_EXISTING',
        staticSummary: `watches ${engine} cluster ${cluster}`,
      });
    },
  };
}
