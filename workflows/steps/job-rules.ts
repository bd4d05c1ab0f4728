/** Pure rules about jobs: what is final, when another submission can help, how long to wait before it. */
import type { JobSnapshot } from '../contracts/activities.js';
import type { JobStateName, RetryPlan } from '../contracts/plans.js';

const TERMINAL: ReadonlySet<JobStateName> = new Set(['succeeded', 'failed', 'cancelled', 'lost']);
const MEMORY_STEP = 1.5;
const MEMORY_CAP = 4;

export const isTerminalState = (state: JobStateName): boolean => TERMINAL.has(state);

/** A job that failed by its own code or data, or was ended by hand, fails again; the rest may succeed elsewhere or later. */
export const resubmitHelps = (job: Pick<JobSnapshot, 'state' | 'blame'>): boolean =>
  job.state === 'lost' || (job.state === 'failed' && job.blame !== 'user') || job.state === 'succeeded';

export const nextMemoryFactor = (factor: number, outOfMemory: boolean): number =>
  outOfMemory ? Math.min(factor * MEMORY_STEP, MEMORY_CAP) : factor;

export const backoffMs = (retry: Pick<RetryPlan, 'backoffMs' | 'maxBackoffMs'>, failures: number): number =>
  Math.min(retry.backoffMs * 2 ** (failures - 1), retry.maxBackoffMs);
