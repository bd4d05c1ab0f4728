/** Pure rules about jobs: what is final, when another submission can help, how long to wait before it. */
import type { JobSnapshot } from '../contracts/activities.js';
import type { FailureClass, JobStateName, RetryPlan } from '../contracts/plans.js';

const TERMINAL: ReadonlySet<JobStateName> = new Set(['succeeded', 'failed', 'cancelled', 'lost']);
const MEMORY_FACTOR = 1.5;
const MEMORY_CAP = 4;
const RETRIED: readonly FailureClass[] = ['platform', 'resources'];

export const isTerminalState = (state: JobStateName): boolean => TERMINAL.has(state);

/**
 * Whether another submission may follow: by the class of the failure. A job that failed by its own code or data fails
 * again unless the stage says otherwise, and what somebody ended by hand stays ended. An end without its proof is the
 * platform's fault, and so is a lost job.
 */
export function resubmitHelps(job: Pick<JobSnapshot, 'state' | 'blame'>, retry: Pick<RetryPlan, 'on'>): boolean {
  if (job.state === 'cancelled') return false;
  const failureClass = job.state === 'failed' ? (job.blame ?? 'platform') : 'platform';
  return (retry.on ?? RETRIED).includes(failureClass);
}

/** Memory of the next submission, in times the declared one; it never falls. */
export function nextMemoryFactor(
  factor: number,
  outOfMemory: boolean,
  retry: Pick<RetryPlan, 'memoryFactor' | 'memoryCap'>,
): number {
  if (!outOfMemory) return factor;
  const raised = factor * (retry.memoryFactor ?? MEMORY_FACTOR);
  return Math.max(factor, Math.min(raised, retry.memoryCap ?? MEMORY_CAP));
}

/** The watcher's word for an engine that has said nothing usable about the job for longer than the job allows. */
export const isUnreachable = (job: Pick<JobSnapshot, 'state' | 'nativeState'>): boolean =>
  job.state === 'unknown' && job.nativeState === 'UNREACHABLE';

export const backoffMs = (retry: Pick<RetryPlan, 'backoffMs' | 'maxBackoffMs'>, failures: number): number =>
  Math.min(retry.backoffMs * 2 ** (failures - 1), retry.maxBackoffMs);
