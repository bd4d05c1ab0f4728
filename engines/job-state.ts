/** Our job states as one table with flags, so that no second switch repeats what a state means. */

export interface JobStateFlags {
  /** Nothing more will happen to this submission. */
  readonly terminal: boolean;
  /** Ended as wished (still subject to the manifest proof for batch jobs). */
  readonly ok: boolean;
  /** Counts as alive at the engine: it may hold resources and write output. */
  readonly active: boolean;
}

export const JOB_STATES = {
  pending: { terminal: false, ok: false, active: true },
  starting: { terminal: false, ok: false, active: true },
  running: { terminal: false, ok: false, active: true },
  restarting: { terminal: false, ok: false, active: true },
  stopping: { terminal: false, ok: false, active: true },
  succeeded: { terminal: true, ok: true, active: false },
  failed: { terminal: true, ok: false, active: false },
  cancelled: { terminal: true, ok: false, active: false },
  lost: { terminal: true, ok: false, active: false },
  unknown: { terminal: false, ok: false, active: false },
} as const satisfies Record<string, JobStateFlags>;

export type JobState = keyof typeof JOB_STATES;

export const isTerminal = (state: JobState): boolean => JOB_STATES[state].terminal;
