/** Signals, queries and updates of all workflows, with their wire names. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { JobStateName } from './plans.js';
import type { ReconcileResult } from './reconcile.js';
import type { StreamState } from './streams.js';

/** Sent by the cluster watch to the owner of a job; may repeat and may be late. */
export interface JobChanged {
  key: string;
  observation: number;
  state: JobStateName;
  /** How often it went between running and restarting since the last signal, if more than once. */
  changes?: number;
}

/** Sent by an engine job to the run that waits for it, once per submission, when the engine's id is known. */
export interface StageStarted {
  stage: string;
  engine: string;
  submission: number;
  engineJobId: string;
  link?: string;
}

export interface RunProgress {
  state: string;
  paused: boolean;
  stages: Record<string, string>;
  tables: Record<string, string>;
  note?: string;
}

export interface EngineJobView {
  stage: string;
  engine: string;
  submission: number;
  /** Submissions that the stage may make in all. */
  attempts: number;
  /** Memory of this submission, in times the declared one. */
  memoryFactor: number;
  /** How the last earlier submissions ended, oldest first. */
  earlier?: { submission: number; reason: string; blame?: string }[];
  key?: string;
  state: JobStateName | 'preparing';
  engineJobId?: string;
  link?: string;
  reason?: string;
}

export const jobChangedSignal = defineSignal<[JobChanged]>('jobChanged');
export const stageStartedSignal = defineSignal<[StageStarted]>('stageStarted');
export const pauseSignal = defineSignal('pause');
export const resumeSignal = defineSignal('resume');
export const nudgeSignal = defineSignal('nudge');

export const progressQuery = defineQuery<RunProgress>('progress');
export const jobQuery = defineQuery<EngineJobView>('job');
export const watchedQuery = defineQuery<{ cluster: string; passes: number; last?: WatchReport }>('watched');
export const streamStateQuery = defineQuery<StreamState>('state');
export const syncLagQuery = defineQuery<{ lag?: number; rows: number; asOf?: string }>('lag');

export const lastReportQuery = defineQuery<ReconcileResult | undefined>('lastReport');

export const stopUpdate = defineUpdate<{ generation: number }, []>('stop');
export const restartUpdate = defineUpdate<{ generation: number }, []>('restart');

/** What one pass of the watch activity returns. */
export interface WatchReport {
  cluster: string;
  watched: number;
  requests: number;
  signals: number;
  endedAt: string;
}
