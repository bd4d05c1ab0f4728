/** The resolved form of a run and its stages, as it stands in history: small JSON, decided by activities. */

export type EngineKind = 'flink' | 'spark' | 'kafka-streams';
export type JobStateName =
  | 'pending'
  | 'starting'
  | 'running'
  | 'restarting'
  | 'stopping'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'lost'
  | 'unknown';

/** What every part of a run must know about the run. */
export interface RunRef {
  workflowId: string;
  firstRunId: string;
  runId: string;
  pipeline: string;
  partition: string;
  /** First day of the half-open range. */
  from: string;
  /** Day after the last one. */
  to: string;
  trigger: string;
  specHash: string;
  params: Record<string, string | number | boolean>;
  /** OpenLineage run id of the pipeline run. */
  lineageRunId: string;
}

export type FailureClass = 'platform' | 'resources' | 'user';

export interface RetryPlan {
  /** Submissions in all. */
  attempts: number;
  backoffMs: number;
  maxBackoffMs: number;
  /** Classes after which another submission follows; default platform and resources. */
  on?: FailureClass[];
  /** Multiplies the memory after an out-of-memory failure; default 1.5. */
  memoryFactor?: number;
  /** Most memory, in times the declared one; default 4. */
  memoryCap?: number;
}

export interface DatasetPlan {
  name: string;
  /** `lake/sales`, or the stage that writes it. */
  dataset?: string;
  fromStage?: string;
  topic?: string;
  columns?: Record<string, string>;
}

export interface JobPlan {
  module: EngineKind;
  mainClass: string;
  sql?: string;
  args: Record<string, string | number | boolean>;
}

export interface ResourcePlan {
  cores?: number;
  memoryMb?: number;
  driverMemoryMb?: number;
  parallelism?: number;
  instances?: number;
}

/** One batch step as the engine job workflow gets it. */
export interface StagePlan {
  name: string;
  engine: EngineKind;
  cluster: string;
  job: JobPlan;
  inputs: DatasetPlan[];
  outputs: DatasetPlan[];
  resources: ResourcePlan;
  retry: RetryPlan;
  timeoutMs: number;
  startTimeoutMs: number;
  /** How long the engine may give no usable answer about the job; absent = for ever. */
  statusTimeoutMs?: number;
  /** What happens to the job when its run is cancelled; default kill. */
  onCancel?: 'kill' | 'leave';
  /** What reconcile does with the job when its run is gone; default kill. */
  onOrphan?: 'kill' | 'leave';
  dependsOn: string[];
}

/** One curated table that a run publishes from a stage's output. */
export interface TablePlan {
  table: string;
  stage: string;
  output: string;
  partitionColumn: string;
  grain: 'day' | 'month' | 'quarter';
  columns: Record<string, string>;
  key: string[];
  checks: Record<string, unknown>[];
}

export interface RunPlan {
  run: RunRef;
  stages: StagePlan[];
  tables: TablePlan[];
  /** Checks that compare tables after publishing, by the table they are declared under. */
  comparisons: { table: string; check: Record<string, unknown> }[];
  onEmpty: 'fail' | 'warn' | 'allow';
  description: string;
  owner: string;
}

/** Proof of a finished submission: where its manifest stands. */
export interface StageResult {
  stage: string;
  key: string;
  submissions: number;
  engineJobId?: string;
  link?: string;
  manifest: string;
  rows: Record<string, number>;
}
