/** Flink's job states in our words; total over Flink's own list, and any other word is `unknown`. */
import type { JobState } from '../job-state.js';

export const FLINK_STATES = {
  INITIALIZING: 'starting',
  CREATED: 'starting',
  RUNNING: 'running',
  FAILING: 'stopping',
  RESTARTING: 'restarting',
  SUSPENDED: 'restarting',
  RECONCILING: 'restarting',
  CANCELLING: 'stopping',
  FINISHED: 'succeeded',
  FAILED: 'failed',
  CANCELED: 'cancelled',
} as const satisfies Record<string, JobState>;

export type FlinkState = keyof typeof FLINK_STATES;

/** Task counts by Flink's execution state, as the job overview gives them. */
export type TaskCounts = Readonly<Record<string, number>>;

/** A job that Flink calls RUNNING is only `starting` for us while none of its tasks runs (it may wait for slots for ever). */
export function flinkState(native: string, tasks: TaskCounts, seenRunning: boolean): JobState {
  const state: JobState = Object.hasOwn(FLINK_STATES, native) ? FLINK_STATES[native as FlinkState] : 'unknown';
  if (state !== 'running' || !waitsForTasks(tasks)) return state;
  return seenRunning ? 'restarting' : 'starting';
}

export function waitsForTasks(tasks: TaskCounts): boolean {
  const of = (name: string) => tasks[name] ?? 0;
  return of('running') + of('finished') === 0 && of('total') > 0;
}
