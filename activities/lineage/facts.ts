/** What lineage events are made from: plain JSON about a run, a submission, a publish or a stream, without secrets. */

/** A dataset under its OpenLineage name (made with the client's naming functions) and what is known of it. */
export interface DatasetFacts {
  namespace: string;
  name: string;
  /** Columns in order. */
  fields?: { name: string; type: string; description?: string }[];
  rows?: number;
  bytes?: number;
  files?: number;
}

/** One output column and the input columns it is computed from. */
export interface ColumnLineageFacts {
  column: string;
  from: { dataset: Pick<DatasetFacts, 'namespace' | 'name'>; column: string }[];
}

/** One life of a workflow: a reset and a continue-as-new keep the first execution run id, a new start gets another. */
export interface Execution {
  workflowId: string;
  firstRunId: string;
}

/** What every run and all parts of it share. */
export interface RunIdentity extends Execution {
  pipeline: string;
}

export interface JobFacts {
  owner: string;
  description?: string;
}

/** Half-open days, `1998-03-14` to `1998-03-15` being one day. */
export interface PartitionFacts {
  from: string;
  to: string;
}

/** A run that started this one, such as a backfill. */
export interface ParentFacts {
  runId: string;
  jobName: string;
  /** Set when the parent has a parent itself. */
  root?: { runId: string; jobName: string };
}

export interface RunFacts extends RunIdentity, JobFacts {
  partition: PartitionFacts;
  /** Temporal's id of this execution. */
  runId: string;
  specHash: string;
  /** ui, schedule, api or backfill. */
  trigger: string;
  parent?: ParentFacts;
  /** What the pipeline reads and what it publishes. */
  inputs: DatasetFacts[];
  outputs: DatasetFacts[];
}

export interface EngineFacts {
  /** spark, flink, kafka-streams, or sluice for in-process steps. */
  name: string;
  version?: string;
  /** Driver, application or job id at the engine, as soon as it is known. */
  jobId?: string;
  /** Name of the cluster or host that knows the id. */
  cluster?: string;
}

export interface CodeFacts {
  sql?: { query: string; dialect: string };
  /** Path of the file in the project, with forward slashes. */
  path?: string;
  /** What identifies this state of the code: a commit or the spec's hash. */
  version?: string;
}

export interface StageFacts extends JobFacts, CodeFacts {
  run: RunFacts;
  stage: string;
  /** The stage's own workflow, which counts the submissions: a stage that is run again counts from 1 again. */
  job: Execution;
  /** From 1. */
  submission: number;
  engine: EngineFacts;
  inputs: DatasetFacts[];
  outputs: DatasetFacts[];
  columnLineage?: ColumnLineageFacts[];
}

export interface CheckFacts {
  /** Kind of check, such as not_null. */
  type: string;
  name?: string;
  column?: string;
  severity: 'block' | 'warn' | 'quarantine';
  /** Only `pass` counts as success; a check that was not evaluated does not. */
  verdict: 'pass' | 'warn' | 'fail' | 'error' | 'empty';
  expected?: string;
  actual?: string;
}

export interface QualityFacts {
  rows?: number;
  /** Null counts by column. */
  nulls?: Record<string, number>;
  checks: CheckFacts[];
}

export interface PublishFacts {
  run: RunFacts;
  /** Name of the curated table without its schema. */
  table: string;
  /** Counts publishes of this table in this run, from 1; a retried activity keeps its number. */
  attempt?: number;
  input: DatasetFacts;
  output: DatasetFacts;
  /** True when the partition's earlier rows were replaced, false for an upsert. */
  overwrite: boolean;
  quality?: QualityFacts;
  /** Column lineage of the write; columns of the same name when not given. */
  columnLineage?: ColumnLineageFacts[];
}

/** A stream's engine job, or the sync of a result topic into a table (stream `sync.<table>`, engine `sluice`). */
export interface StreamFacts extends Execution, JobFacts, CodeFacts {
  pipeline: string;
  stream: string;
  installation: string;
  generation: number;
  submission: number;
  specHash: string;
  engine: EngineFacts;
  inputs: DatasetFacts[];
  outputs: DatasetFacts[];
}

/** Why something failed, in the words that the Temporal UI shows. */
export interface FailureFacts {
  message: string;
  /** Names the check when the quality gate stopped the run. */
  check?: string;
  /** Language of the system that failed; default JavaScript. */
  language?: string;
  stackTrace?: string;
}
