/** What a stream supervisor carries, shows and accepts. */
import type { EngineKind, JobPlan, JobStateName, DatasetPlan, ResourcePlan } from './plans.js';

/** Resolved spec of one generation of a stream. */
export interface StreamPlan {
  pipeline: string;
  stream: string;
  engine: EngineKind;
  cluster: string;
  specHash: string;
  owner: string;
  job: JobPlan;
  inputs: DatasetPlan[];
  outputs: DatasetPlan[];
  resources: ResourcePlan;
  /** A stream without this may never restart from empty state. */
  upgrade: 'stateless' | 'last-state' | 'savepoint';
  restart: { attempts: number; windowMs: number; backoffMs: number; maxBackoffMs: number };
  startTimeoutMs: number;
  /** How its job ends when the stream is stopped or its supervisor cancelled; default kill. A stop never leaves it. */
  onCancel?: 'kill' | 'leave' | 'savepoint-and-stop';
  /** What reconcile does with the job when its supervisor is gone; default leave. */
  onOrphan?: 'kill' | 'leave';
}

export interface StreamCarry {
  plan: StreamPlan;
  generation: number;
  /** Counts every submission of this supervisor, over all generations; part of the key. */
  submission: number;
  key?: string;
  observation: number;
  restartsAtMs: number[];
  wish: 'run' | 'stop';
  /** Newest checkpoint or savepoint that a new submission may start from. */
  restoreFrom?: string;
}

/** Answer of the `state` query. */
export interface StreamState {
  pipeline: string;
  stream: string;
  engine?: EngineKind;
  cluster?: string;
  wish: 'run' | 'stop';
  state: JobStateName | 'resolving';
  /** True while the wanted generation runs and is healthy. */
  healthy: boolean;
  generation: number;
  submission: number;
  key?: string;
  engineJobId?: string;
  link?: string;
  reason?: string;
  restartsInWindow: number;
}
