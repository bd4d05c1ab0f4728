/** What a pass of `reconcile` takes, does and reports. */
import type { EngineKind } from './plans.js';

export interface ReconcileInput {
  engine: EngineKind;
  cluster: string;
  /** Says what it would do and changes nothing, not even what it remembers of earlier passes. */
  dryRun?: boolean;
  /** Reaps although that is an unusually large part of the cluster's jobs. */
  force?: boolean;
}

/**
 * `reaped`: ended, confirmed. `unconfirmed`: asked to end, the engine has not confirmed it. `waits`: a first pass has seen
 * it, the next one reaps it. `left`: its spec wants it left alone, which is an alert. `ended`: it had ended by itself, its
 * book is closed now. `stray`: alive although our book says that it ended; its owner is open, so nobody touches it.
 */
export type OrphanAction = 'reaped' | 'unconfirmed' | 'waits' | 'left' | 'ended' | 'stray';

export interface OrphanReport {
  key: string;
  engineJobId: string;
  pipeline: string;
  part: string;
  /** Workflow id of its owner. */
  owner: string;
  /** How the owner ended. */
  ownerState: string;
  action: OrphanAction;
  reason: string;
}

export interface ReconcileReport {
  cluster: string;
  engine: EngineKind;
  dryRun: boolean;
  /** Jobs of this installation that live at the engine. */
  live: number;
  /** At most 100; `counts` has them all. */
  orphans: OrphanReport[];
  counts: Partial<Record<OrphanAction, number>>;
  /** Ids at the engine that bear our tag without a row of ours; never touched. */
  unknown: string[];
  /** Why nothing was reaped although something was due. */
  stopped?: string;
  at: string;
}

export interface ClosedRun {
  workflowId: string;
  /** How Temporal says it closed. */
  closedAs: string;
}

export interface ReconcileResult extends ReconcileReport {
  /** Runs that had closed without a word; their books are closed now. */
  runs: ClosedRun[];
}

export interface ReconcileActivities {
  /** Finds the cluster's jobs without a living owner and ends those that two passes have seen. */
  reconcileCluster(request: ReconcileInput): Promise<ReconcileReport>;
  /** Closes the books of runs whose workflow has closed without doing it itself. */
  reconcileRuns(request: { dryRun: boolean }): Promise<ClosedRun[]>;
}
