/** The only maker of ApplicationFailure on the activity side: our codes become failure types. */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { SluiceError } from '../infra/errors.js';
import { isRetryablePg, toStoreError } from '../infra/postgres/pool.js';

/** Cancellation passes through; unknown errors stay retryable. */
export function toFailure(error: unknown): unknown {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  const known = error instanceof SluiceError ? error : isPgError(error) ? toStoreError(error) : undefined;
  if (!known) return error;
  const retryAfterMs = known.details['retryAfterMs'];
  return ApplicationFailure.create({
    type: known.code,
    message: known.message,
    nonRetryable: !known.retryable,
    details: [known.details],
    ...(typeof retryAfterMs === 'number' ? { nextRetryDelay: retryAfterMs } : {}),
  });
}

function isPgError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Only the driver's own errors: a refused connection may just as well be that of another server.
  return 'severity' in error || (isRetryablePg(error) && /^Connection terminated/.test(error.message));
}

type AnyActivity = (...args: never[]) => Promise<unknown>;

/** Wraps every function of a group so that whatever it throws leaves through `toFailure`. */
export function withFailures<T extends object>(activities: T): T {
  const wrapped = Object.entries(activities as Record<string, AnyActivity>).map(([name, run]) => [
    name,
    async (...args: never[]) => {
      try {
        return await run(...args);
      } catch (error) {
        throw toFailure(error);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}
