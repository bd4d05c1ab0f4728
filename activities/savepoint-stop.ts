/** Ends a stream with a savepoint; when none can be had, from its newest checkpoint, and says so. */
import { createHash } from 'node:crypto';
import type { EnginePort, JobHandle, Observation } from '../engines/port.js';
import { isSluiceError } from '../infra/errors.js';

/** The same for every attempt, so that a repeat asks Flink for the savepoint that is under way. */
export const stopTriggerId = (key: string): string =>
  createHash('sha256').update(`stop ${key}`).digest('hex').slice(0, 32);

export async function stopWithSavepoint(
  port: EnginePort,
  handle: JobHandle,
  signal: AbortSignal,
): Promise<Observation> {
  try {
    return await port.stopWithSavepoint(handle, stopTriggerId(handle.key), signal);
  } catch (error) {
    // An engine that is away may still be taking it: only a clear refusal ends the hope for a savepoint.
    if (!isSluiceError(error) || error.retryable) throw error;
    const ended = await port.cancel(handle, signal);
    return { ...ended, reason: `stopped without a savepoint (${error.message})` };
  }
}
