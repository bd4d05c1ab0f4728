/** Workflow ids as people read them; they guarantee nothing by themselves (claims in Postgres do). */

export const runWorkflowId = (pipeline: string, partition: string): string =>
  `run/${pipeline}/${partition.replace('/', '_')}`;
export const engineJobWorkflowId = (runId: string, stage: string): string => `${runId}/${stage}`;
export const streamWorkflowId = (pipeline: string, stream: string): string => `stream/${pipeline}/${stream}`;
export const syncWorkflowId = (pipeline: string, table: string): string => `sync/${pipeline}/${table}`;
export const watchWorkflowId = (cluster: string): string => `watch/${cluster}`;
export const reconcileWorkflowId = (cluster: string): string => `reconcile/${cluster}`;

/** A workflow execution chain: the id plus the first run of the chain; survives continue-as-new and reset. */
export interface OwnerPair {
  workflowId: string;
  firstRunId: string;
}
