/** The resolved pipeline: JSON-safe, complete, with a content hash; what the rest of the product works with. */
import type { Check } from './checks.js';
import type { ParamSpec } from './schema.js';

export type EngineName = 'flink' | 'spark' | 'kafka-streams';
export type ArgValue = string | number | boolean;
export type FailureClass = 'platform' | 'resources' | 'user';
export type Grain = 'day' | 'month' | 'quarter';

/** Column name to type in its normal spelling (`numeric(18,4)`), in the order of the table. */
export type Columns = Record<string, string>;

export interface ResolvedJob {
  /** Jobs module whose jar holds the main class. */
  module: EngineName;
  mainClass: string;
  sqlFile?: string;
  /** Text of the SQL file. */
  sql?: string;
}

export interface StageInput {
  /** `lake/<source>` or `<stage>/<output>`. */
  dataset: string;
  /** Stage that writes it; absent for the lake. */
  stage?: string;
  output?: string;
}

export interface Stage {
  name: string;
  engine: 'spark';
  description?: string;
  job: ResolvedJob;
  /** May hold templates; see templates.ts. */
  args: Record<string, ArgValue>;
  inputs: Record<string, StageInput>;
  outputs: Record<string, { schema: Columns }>;
  resources: { cores: number; memoryMb: number; driverMemoryMb: number };
  retry: {
    attempts: number;
    backoffMs: number;
    maxBackoffMs: number;
    on: FailureClass[];
    /** Multiplies the memory after an out-of-memory failure, up to `memoryCap` times the declared one. */
    memoryFactor: number;
    memoryCap: number;
  };
  timeoutMs: number;
  startTimeoutMs: number;
  /** How long the engine may give no usable answer about the job. */
  statusTimeoutMs: number;
  onCancel: 'kill' | 'leave';
  onOrphan: 'kill' | 'leave';
  /** Stages that run before this one: by dataset and by `after`. */
  dependsOn: string[];
  specHash: string;
}

export interface Stream {
  name: string;
  engine: 'flink' | 'kafka-streams';
  description?: string;
  job: ResolvedJob;
  args: Record<string, ArgValue>;
  inputs: Record<string, { topic: string }>;
  outputs: Record<string, { topic: string; schema?: Columns }>;
  resources: { memoryMb?: number; instances?: number; parallelism?: number };
  restart: { attempts: number; windowMs: number; backoffMs: number; maxBackoffMs: number };
  upgrade: 'stateless' | 'last-state' | 'savepoint';
  startTimeoutMs: number;
  onCancel: 'kill' | 'leave' | 'savepoint-and-stop';
  onOrphan: 'kill' | 'leave';
  /** Rises the stream's generation when it changes. */
  specHash: string;
}

interface TableCommon {
  table: string;
  description?: string;
  key: string[];
  columns: Columns;
}

export interface BatchTable extends TableCommon {
  mode: 'replace-partition';
  stage: string;
  output: string;
  partitionBy: { column: string; grain: Grain };
}

export interface StreamTable extends TableCommon {
  mode: 'upsert';
  topic: string;
  /** Stream of this pipeline that writes the topic. */
  stream: string;
  replaceBy?: string[];
}

export type CuratedTableSpec = BatchTable | StreamTable;

export interface Pipeline {
  name: string;
  owner: string;
  description: string;
  timezone: string;
  partition: { grain: 'day'; onEmpty: 'fail' | 'warn' | 'allow' };
  schedule?: {
    cron: string;
    overlap: 'skip' | 'buffer_one' | 'buffer_all' | 'cancel_other' | 'terminate_other' | 'allow_all';
    catchupWindowMs: number;
    jitterMs: number;
    paused: boolean;
  };
  params: Record<string, ParamSpec>;
  sources: string[];
  stages: Record<string, Stage>;
  streams: Record<string, Stream>;
  checks: Record<string, Check[]>;
  curated: Record<string, CuratedTableSpec>;
  /** Curated table to the age in milliseconds that its data may have. */
  freshness: Record<string, number>;
  /** Names of the stages in levels: all of one level may run at the same time. */
  stageLevels: string[][];
  /** sha256 of everything above as canonical JSON. */
  specHash: string;
}
