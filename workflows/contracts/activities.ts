/** Signatures of the activities that workflows call, so that no arrow runs from workflows up to activities. */
import type { OwnerPair } from './ids.js';
import type { EngineKind, JobStateName, RunPlan, RunRef, StagePlan, StageResult } from './plans.js';
import type { StreamPlan } from './streams.js';
import type { WatchReport } from './messages.js';
import type { CuratedActivities } from './curated.js';
import type { ReconcileActivities } from './reconcile.js';
import type { SyncActivities, SyncTopicInput } from './sync.js';

/** A job's row as the owner sees it. */
export interface JobSnapshot {
  key: string;
  state: JobStateName;
  nativeState: string;
  observation: number;
  engineJobId?: string;
  link?: string;
  reason?: string;
  blame?: 'user' | 'platform' | 'resources';
  outOfMemory?: boolean;
  restarts?: number;
  restorePoint?: string;
  /** When to ask the engine itself if nothing was heard: rarely while the watcher is alive, soon when it is not. */
  nextCheckMs: number;
}

export type ClaimResult = { granted: true; fence: number } | { granted: false; busyWith: string; firstBusyDay: string };

export interface FinishRunInput {
  run: RunRef;
  outcome: 'succeeded' | 'failed' | 'cancelled';
  message?: string;
  /** Name of the check that stopped the run, if one did. */
  failedCheck?: string;
  verdict?: string;
}

export interface RunActivities {
  /** Parses and resolves an untrusted request, records the run and its START event. Fails with INVALID_REQUEST. */
  resolveRun(request: { input: unknown; owner: OwnerPair; runId: string }): Promise<RunPlan>;
  /** Takes the claims of the run's days; ALREADY_RUNNING when the same partition has a living owner. */
  claimPartition(request: { run: RunRef; lastTry: boolean }): Promise<ClaimResult>;
  /** Records the outcome, releases the claims and writes the one final event, in one transaction. */
  finishRun(request: FinishRunInput): Promise<void>;
}

export interface PrepareSubmissionInput {
  owner: OwnerPair;
  submission: number;
  /** Multiplies memory after an out-of-memory failure. */
  memoryFactor: number;
  target:
    | { kind: 'stage'; run: RunRef; stage: StagePlan; upstream: Record<string, string> }
    | { kind: 'stream'; stream: StreamPlan; generation: number };
  restoreFrom?: string;
  /** Streams: begins without the state that earlier supervisors left. */
  fresh?: boolean;
}

export interface JobActivities {
  /** Decides the submission key, stores the intent and the START event. Idempotent per owner and submission. */
  prepareSubmission(request: PrepareSubmissionInput): Promise<JobSnapshot>;
  /** Looks the key up at the engine, submits only if it is certainly not there, records the engine id. */
  submitJob(request: { key: string }): Promise<JobSnapshot>;
  /** Reads the stored state and acknowledges everything up to it. */
  acknowledgeJob(request: { key: string; observation: number }): Promise<JobSnapshot>;
  /** Asks the engine itself (safety net) and stores what it says. */
  askJob(request: { key: string }): Promise<JobSnapshot>;
  /** Ends the job at the engine and waits until it confirms; `how` defaults to `kill`. */
  cancelJob(request: { key: string; how?: 'kill' | 'savepoint-and-stop' }): Promise<JobSnapshot>;
  /** Closes the submission: proof of success (manifest) for stages, final lineage event. */
  settleJob(request: {
    key: string;
    outcome: 'succeeded' | 'failed' | 'cancelled';
    reason?: string;
    submissions: number;
  }): Promise<StageResult | null>;
}

export interface WatchActivities {
  /** Watches the cluster for up to an hour; see `clusterWatch`. */
  watchCluster(request: { engine: EngineKind; cluster: string }): Promise<WatchReport>;
}

export interface StreamActivities {
  resolveStream(request: { pipeline: string; stream: string; owner: OwnerPair }): Promise<StreamPlan>;
  resolveSync(request: { pipeline: string; table: string; owner: OwnerPair }): Promise<SyncTopicInput>;
}

export interface Activities
  extends
    RunActivities,
    JobActivities,
    WatchActivities,
    StreamActivities,
    CuratedActivities,
    SyncActivities,
    ReconcileActivities {}
