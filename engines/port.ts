/** What the control plane asks of an engine; one adapter per engine implements it and nothing else talks to engines. */
import type { JobState } from './job-state.js';

export type EngineName = 'flink' | 'spark' | 'kafka-streams';
export type Blame = 'user' | 'platform' | 'resources';

/** Everything an adapter needs to submit one job; decided and stored before the engine is called. */
export interface JobSpec {
  engine: EngineName;
  /** Name of the cluster; for Kafka Streams the host. */
  cluster: string;
  /** Readable, e.g. `top-sales-per-city/daily 1997-01-01/1998-12-31`. */
  name: string;
  /** `sluice:<installation id>:<key>`. */
  tag: string;
  /** Jobs module whose jar holds the main class: `spark`, `flink` or `kafka-streams`. */
  module: EngineName;
  mainClass: string;
  /** The JSON document passed to the job as `--spec <json>`; contains key, tag, name, sql, inputs, outputs. */
  document: Record<string, unknown>;
  resources: {
    cores?: number;
    memoryMb?: number;
    driverMemoryMb?: number;
    parallelism?: number;
    instances?: number;
  };
  /** s3:// prefix of the submission's folder (batch): holds `_claim` and `_manifest.json`. */
  outputPrefix?: string;
  /** Savepoint or checkpoint to start a Flink stream from. */
  restoreFrom?: string;
  /** Milliseconds since epoch at which the intent was stored. */
  intentAtMs: number;
}

/** Identity of one submission at an engine. `engineJobId` is missing until the engine gave or confirmed one. */
export interface JobHandle {
  key: string;
  engineJobId?: string;
  spec: JobSpec;
  /** It has been seen running before, by this process or another one. */
  ran?: boolean;
}

/** One answer of the engine about one job. */
export interface Observation {
  key: string;
  state: JobState;
  /** The engine's own word for the state. */
  nativeState: string;
  engineJobId?: string;
  /** Page of this job in the engine's own UI. */
  link?: string;
  /** One readable line; set for failed, cancelled and lost. */
  reason?: string;
  blame?: Blame;
  /** Out of memory: a retry should raise memory. */
  outOfMemory?: boolean;
  /** How often the engine restarted the job by itself. */
  restarts?: number;
  /** Newest completed checkpoint or savepoint that a new submission may start from. */
  restorePoint?: string;
  /** Progress for people: completed checkpoints, lag, records; never signalled, only read. */
  progress?: Record<string, string | number>;
}

/** A job at the engine that bears an installation's tag (`sluice:<installation>:<key>`) and has not ended there. */
export interface TaggedJob {
  key: string;
  engineJobId: string;
  state: JobState;
  nativeState: string;
}

export interface EngineCapabilities {
  /** The engine takes our key as its own job id (Flink); otherwise lookup goes by claim or ledger. */
  callerChosenId: boolean;
  savepoints: boolean;
  /** Jobs end by themselves. */
  batch: boolean;
}

export interface EnginePort {
  readonly name: EngineName;
  readonly cluster: string;
  readonly capabilities: EngineCapabilities;
  /** Looks the key up first; submits only when the engine certainly does not have it. Idempotent per key. */
  submit(spec: JobSpec, key: string, signal?: AbortSignal): Promise<Observation>;
  /** Finds the job of a key whatever happened to the answer of submit; undefined = the engine does not know it now. */
  find(handle: JobHandle, signal?: AbortSignal): Promise<Observation | undefined>;
  /**
   * One job's state now. Never acts on a job that may live; before it calls one ended whose process may not have noticed, it
   * may take the claim that such a process would need to work. A live engine that does not know the job answers
   * `unknown` with nativeState NOT_FOUND.
   */
  observe(handle: JobHandle, signal?: AbortSignal): Promise<Observation>;
  /**
   * States of all given jobs with O(1) list requests to the engine; details are asked only for those that changed, and
   * for a bounded few in turn.
   * A job about which nothing certain can be said now (the object store is away) is missing from the answer.
   */
  observeAll(handles: readonly JobHandle[], signal?: AbortSignal): Promise<Map<string, Observation>>;
  /**
   * All jobs of an installation that the engine has and that have not ended there, by one list request. Jobs without
   * our tag, or of another installation on the same cluster, never appear.
   */
  tagged(installation: string, signal?: AbortSignal): Promise<TaggedJob[]>;
  /**
   * Ends a stream with a savepoint and waits (bounded) for both; the returned observation's `restorePoint` is the
   * savepoint, even if the job failed while stopping. `triggerId` (32 hex) is the caller's, so that a repeat asks for the
   * same savepoint. Throws ENGINE_REJECTED when there will be none; the job then still runs. Engines without savepoints
   * cancel.
   */
  stopWithSavepoint(handle: JobHandle, triggerId: string, signal?: AbortSignal): Promise<Observation>;
  /** Asks the engine to end the job and waits (bounded) until it confirms; returns the last observation. */
  cancel(handle: JobHandle, signal?: AbortSignal): Promise<Observation>;
  /** Tail of the job's log, newest last; empty when the engine has forgotten it. */
  logs(handle: JobHandle, maxBytes: number, signal?: AbortSignal): Promise<string>;
  /** Throws ENGINE_UNREACHABLE when the cluster does not answer. */
  ping(signal?: AbortSignal): Promise<{ version: string }>;
}
