/** Ends a Flink job with a savepoint: triggered once, waited for long, and kept even when the job failed while stopping. */
import { isSluiceError, SluiceError } from '../../infra/errors.js';
import { textsOf } from '../../infra/http/error-body.js';
import { classifyFailure } from '../failure-text.js';
import { isTerminal } from '../job-state.js';
import type { JobHandle, Observation } from '../port.js';
import { waitFor } from '../waiting.js';
import type { FlinkClient, FlinkSavepoint } from './client.js';

export interface SavepointStopOptions {
  name: string;
  /** How long the savepoint may take. */
  savepointMs: number;
  /** How long the job may take to end once the savepoint is there. */
  endMs: number;
  lookMs: number;
}

/** The exception of a job that failed after its savepoint was complete; only its message says where that is. */
const STOPPING_FAILED = 'org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointStoppingException';
const CREATED_AT = /created at:?\s+(\S+?)[,.]?(?:\s|$)/;

type Observe = (handle: JobHandle, signal?: AbortSignal) => Promise<Observation>;

export function createSavepointStop(options: SavepointStopOptions, client: FlinkClient, observe: Observe) {
  const { name, lookMs } = options;
  const refused = (why: string, handle: JobHandle): SluiceError =>
    new SluiceError('ENGINE_REJECTED', `${name}: no savepoint of ${handle.spec.name}: ${why}`, {
      details: { key: handle.key },
    });

  /** While a savepoint is under way, an engine that is away is asked again rather than believed. */
  const patiently = async <T>(ask: () => Promise<T | undefined>): Promise<T | undefined> => {
    try {
      return await ask();
    } catch (error) {
      if (isSluiceError(error, 'ENGINE_UNREACHABLE')) return undefined;
      throw error;
    }
  };

  return async (handle: JobHandle, triggerId: string, signal?: AbortSignal): Promise<Observation> => {
    const { key } = handle;
    const earlier = await client.savepoint(key, triggerId, signal);
    if (earlier === undefined) {
      const first = await observe(handle, signal);
      if (isTerminal(first.state) || first.nativeState === 'NOT_FOUND') return first;
      const answer = await client.stop(key, triggerId, signal);
      if (answer.status >= 400) {
        const text = textsOf(answer.text).join('\n');
        throw refused(classifyFailure(text)?.reason ?? `HTTP ${answer.status}`, handle);
      }
    }
    const done = await waitFor(
      () =>
        patiently(async () => {
          const now = await client.savepoint(key, triggerId, signal);
          return now?.status.id === 'COMPLETED' ? now : undefined;
        }),
      { deadlineMs: options.savepointMs, intervalMs: lookMs, signal },
    );
    if (done === undefined) {
      throw new SluiceError(
        'ENGINE_UNREACHABLE',
        `${name}: the savepoint of ${handle.spec.name} is not complete after ${Math.round(options.savepointMs / 1000)} s`,
        { details: { key, triggerId } },
      );
    }
    const location = locationOf(done);
    if (location === undefined) throw refused(causeOf(done), handle);
    const ended = await waitFor(
      () =>
        patiently(async () => {
          const seen = await observe(handle, signal);
          return isTerminal(seen.state) ? seen : undefined;
        }),
      { deadlineMs: options.endMs, intervalMs: lookMs, signal },
    );
    const last = ended ?? (await observe(handle, signal));
    const reason =
      last.state === 'failed'
        ? `stopped with errors, savepoint available at ${location}: ${last.reason ?? causeOf(done)}`
        : `stopped with a savepoint at ${location}`;
    return { ...last, restorePoint: location, reason };
  };
}

function locationOf({ operation }: FlinkSavepoint): string | undefined {
  if (operation?.location) return operation.location;
  const cause = operation?.['failure-cause'];
  const trace = cause?.['stack-trace'] ?? '';
  const failedLate = cause?.class === STOPPING_FAILED || trace.includes(STOPPING_FAILED);
  return failedLate ? CREATED_AT.exec(trace)?.[1] : undefined;
}

function causeOf({ operation }: FlinkSavepoint): string {
  const cause = operation?.['failure-cause'];
  if (cause == null) return 'Flink names no cause';
  return classifyFailure(cause['stack-trace'] ?? '')?.reason ?? cause.class;
}
