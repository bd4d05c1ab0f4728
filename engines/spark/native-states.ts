/** Spark standalone's driver states in our words; total over the master's own list, and any other word is `unknown`. */
import type { JobState } from '../job-state.js';
import type { SparkApp } from './client.js';

export const SPARK_DRIVER_STATES = {
  /** Queued at the master, or placed on a worker a moment ago. */
  SUBMITTED: 'starting',
  /** The driver's JVM runs; whether its application got anything is said by the application. */
  RUNNING: 'running',
  /** Its worker went away and others supervise it: alive under a new id. */
  RELAUNCHING: 'restarting',
  /** Not known for the moment while a master recovers. */
  UNKNOWN: 'unknown',
  /** Ended with exit code 0; still subject to the manifest. */
  FINISHED: 'succeeded',
  KILLED: 'cancelled',
  FAILED: 'failed',
  /** Could not be launched, or its worker was lost. */
  ERROR: 'failed',
  /** The master does not know it (any more): no verdict by itself. */
  NOT_FOUND: 'unknown',
} as const satisfies Record<string, JobState>;

export type SparkDriverState = keyof typeof SPARK_DRIVER_STATES;

export const sparkDriverState = (native: string): JobState =>
  Object.hasOwn(SPARK_DRIVER_STATES, native) ? SPARK_DRIVER_STATES[native as SparkDriverState] : 'unknown';

/** A running driver is no progress by itself: without an executor the job is still starting, or starting over. */
export function sparkJobState(driver: string, app: SparkApp | undefined, seenRunning: boolean): JobState {
  const state = sparkDriverState(driver);
  if (state !== 'running' || hasExecutor(app)) return state;
  return seenRunning ? 'restarting' : 'starting';
}

/** An application that ended while its driver still runs had its executors. */
export const hasExecutor = (app: SparkApp | undefined): boolean =>
  app !== undefined && (!app.active || (app.state === 'RUNNING' && app.cores > 0));
