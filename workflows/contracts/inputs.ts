/** Inputs of the workflows: one JSON object each; the smallest that can be right is enough. */
import type { EngineJobView } from './messages.js';
import type { StreamCarry } from './streams.js';
import type { EngineKind, RunRef, StagePlan } from './plans.js';

export const TRIGGERS = ['ui', 'schedule', 'api', 'backfill'] as const;
export type Trigger = (typeof TRIGGERS)[number];

/** Largest input a run takes, in bytes of JSON. */
export const MAX_INPUT_BYTES = 256 * 1024;

export interface PipelineRunInput {
  pipeline: string;
  /** A business day `1998-03-14`, or a half-open range of days `1997-01-01/1998-12-31`. */
  partition: string;
  params?: Record<string, string | number | boolean>;
  /** Who asked; default `ui`. */
  trigger?: Trigger;
}

export interface EngineJobInput {
  run: RunRef;
  stage: StagePlan;
  /** Manifests of the stages whose output this one reads, by stage name. */
  upstream?: Record<string, string>;
  /** Set by continue-as-new: the submission that is under way. */
  carry?: {
    submission: number;
    key: string;
    observation: number;
    startedAtMs: number;
    /** When the job was first seen running. */
    ranAtMs?: number;
    memoryFactor: number;
    earlier?: EngineJobView['earlier'];
  };
}

export interface ClusterWatchInput {
  engine: EngineKind;
  cluster: string;
}

export interface StreamSupervisorInput {
  pipeline: string;
  stream: string;
  /** Begins without the state that earlier supervisors left; only ever by a person's request. */
  fresh?: boolean;
  carry?: StreamCarry;
}

export interface CuratedSyncInput {
  pipeline: string;
  table: string;
}
