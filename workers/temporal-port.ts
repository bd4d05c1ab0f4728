/** What activities ask of Temporal, over one client. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { OwnerState, TemporalPort } from '../activities/deps.js';
import { watchWorkflowId, type OwnerPair } from '../workflows/contracts/ids.js';
import type { EngineKind } from '../workflows/contracts/plans.js';
import { CONTROL_QUEUE } from '../workflows/contracts/task-queues.js';

const STATES: Readonly<Record<string, OwnerState>> = {
  RUNNING: 'open',
  PAUSED: 'open',
  COMPLETED: 'succeeded',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed-out',
};

/** What a visibility query counts as an owner of engine jobs. */
const OPEN_OWNERS = `ExecutionStatus = 'Running' and WorkflowType in ('engineJob', 'streamSupervisor')`;

export function createTemporalPort(client: Client): TemporalPort {
  /** Status of the newest run of an id, or of one run; undefined when Temporal does not know it. */
  async function stateOf(workflowId: string, runId?: string) {
    try {
      const { status, raw } = await client.workflow.getHandle(workflowId, runId).describe();
      // A status that we do not know is no proof of an end.
      return { state: STATES[status.name] ?? 'open', firstRunId: raw.workflowExecutionInfo?.firstRunId };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }

  async function ownerState(owner: OwnerPair): Promise<OwnerState> {
    const newest = await stateOf(owner.workflowId);
    if (newest === undefined) return 'not-found';
    if (!newest.firstRunId || newest.firstRunId === owner.firstRunId) return newest.state;
    // At most one chain per id is open: when the newest one is another, the owner's has ended.
    const first = (await stateOf(owner.workflowId, owner.firstRunId))?.state;
    return first === undefined || first === 'open' ? 'closed' : first;
  }

  return {
    ownerState,

    async openOwners() {
      const ids = new Set<string>();
      for await (const { workflowId } of client.workflow.list({ query: OPEN_OWNERS, pageSize: 1_000 })) {
        ids.add(workflowId);
      }
      return ids;
    },

    // Retention deletes closed executions only, so a clear "not found" means that nothing of that id runs.
    isClosed: async (owner) => (await ownerState(owner)) !== 'open',

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
