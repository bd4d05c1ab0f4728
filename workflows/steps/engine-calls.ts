/** Calls of an engine in rounds: between them the reason is shown, wishes are heard, and no attempt is cut off. */
import { ActivityFailure, ApplicationFailure, sleep, TimeoutFailure, type ActivityOptions } from '@temporalio/workflow';
import type { JobSnapshot } from '../contracts/activities.js';
import { engineQueue } from '../contracts/task-queues.js';
import type { EngineKind } from '../contracts/plans.js';
import { isTerminalState } from './job-rules.js';
import { wasCancelled } from './cancellation.js';
import { fail, readableCause } from './failures.js';

/** A queue that hands nothing out for this long has no worker. */
const UNSERVED_MS = 30_000;
/** Once that is known, the next call lies ready for a worker that comes back. */
const UNSERVED_AGAIN_MS = 600_000;
const FIRST_ATTEMPTS = 5;
const MORE_ATTEMPTS = 20;
const PAUSE_MS = 2_000;
/** How long a stop may take before it counts as not confirmed. */
export const STOP_MS = 5 * 60_000;

export type RoundOptions = Pick<ActivityOptions, 'scheduleToStartTimeout' | 'retry'>;

export interface Rounds {
  engine: EngineKind;
  cluster: string;
  /** When to give up; asked before each round. */
  giveUpAtMs: () => number;
  /** Gives up after the first round. */
  once?: boolean;
  /** Hears why the last round came to nothing. */
  onWait: (reason: string) => void;
}

const isUnserved = (error: unknown): boolean =>
  error instanceof ActivityFailure &&
  error.cause instanceof TimeoutFailure &&
  error.cause.timeoutType === 'SCHEDULE_TO_START';

/** Why a failed call may work later; undefined when it never will. */
export function passingReason(error: unknown, engine: EngineKind, cluster: string): string | undefined {
  if (!(error instanceof ActivityFailure)) return undefined;
  if (isUnserved(error)) return `no worker serves ${engineQueue(engine, cluster)}`;
  const { cause } = error;
  if (cause instanceof TimeoutFailure) return `the worker did not answer in time (${cause.timeoutType})`;
  return cause instanceof ApplicationFailure && !cause.nonRetryable ? cause.message : undefined;
}

/** The code under which a workflow gives up on a fault that did not pass. */
const codeOf = (error: unknown): string => {
  const { code } = readableCause(error);
  return code === 'TimeoutFailure' ? 'ENGINE_UNREACHABLE' : code;
};

/** The waits between attempts grow to half a minute. */
const attemptsWithin = (leftMs: number): number =>
  Math.max(1, Math.min(MORE_ATTEMPTS, Math.ceil(Math.max(0, leftMs) / 30_000)));

function optionsOf(round: number, leftMs: number): RoundOptions {
  const longest = round === 0 ? UNSERVED_MS : UNSERVED_AGAIN_MS;
  return {
    scheduleToStartTimeout: Math.max(1_000, Math.min(longest, leftMs)),
    retry: { maximumAttempts: round === 0 ? FIRST_ATTEMPTS : attemptsWithin(leftMs) },
  };
}

/** Repeats a call until it answers; fails with the last reason when its time is over. */
export async function inRounds<T>(rounds: Rounds, call: (options: RoundOptions) => Promise<T>): Promise<T> {
  for (let round = 0; ; round += 1) {
    try {
      return await call(optionsOf(round, rounds.giveUpAtMs() - Date.now()));
    } catch (error) {
      const reason = wasCancelled(error) ? undefined : passingReason(error, rounds.engine, rounds.cluster);
      if (reason === undefined) throw error;
      if (rounds.once === true || Date.now() >= rounds.giveUpAtMs()) throw fail(codeOf(error), reason);
      rounds.onWait(reason);
      if (!isUnserved(error)) await sleep(PAUSE_MS, { summary: reason.slice(0, 150) });
    }
  }
}

export type Stop = { job: JobSnapshot; unconfirmed?: never } | { job?: JobSnapshot; unconfirmed: string };

/** Nothing runs any more: the job has ended, or the engine answers that it has no such job. */
const isStopped = (job: JobSnapshot): boolean =>
  isTerminalState(job.state) || (job.state === 'unknown' && job.nativeState === 'NOT_FOUND');

/** Ends a job until its engine confirms it, or says why that is not certain. Throws only when it is cancelled itself. */
export async function stopJob(rounds: Rounds, call: (options: RoundOptions) => Promise<JobSnapshot>): Promise<Stop> {
  let job: JobSnapshot | undefined;
  for (;;) {
    try {
      job = await inRounds(rounds, call);
      if (isStopped(job)) return { job };
    } catch (error) {
      if (wasCancelled(error)) throw error;
      return { ...(job ? { job } : {}), unconfirmed: readableCause(error).message };
    }
    const reason = `${rounds.engine} still says ${job.nativeState}`;
    if (Date.now() >= rounds.giveUpAtMs()) return { job, unconfirmed: reason };
    rounds.onWait(reason);
    await sleep(PAUSE_MS, { summary: reason });
  }
}

/** What a person must know when a job could not be ended for certain. */
export const mayStillRun = (engine: EngineKind, id: string, why: string): string =>
  `its stop was not confirmed (${why}): ${engine} id ${id} may still run`;
