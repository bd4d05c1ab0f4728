/** The only maker of ApplicationFailure on the activity side: our codes become failure types. */
import { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { SluiceError } from '../infra/errors.js';
import { isConnectionGone, isRetryablePg, toStoreError } from '../infra/postgres/pool.js';
import { redact } from './lineage/redact.js';

/** A fault that nobody knows is most likely one of the code: it is not tried for ever. */
const UNKNOWN_ATTEMPTS = 10;

/** Cancellation and servers that are away pass through, to be tried again; unknown errors end after some attempts. */
export function toFailure(error: unknown, attempt = currentAttempt()): unknown {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure || isAbort(error)) return error;
  const known = error instanceof SluiceError ? error : isPgError(error) ? toStoreError(error) : undefined;
  if (!known) return isOutage(error) ? error : unknownFailure(error, attempt);
  const retryAfterMs = known.details['retryAfterMs'];
  return ApplicationFailure.create({
    type: known.code,
    message: redact(known.message),
    nonRetryable: !known.retryable,
    details: [withoutCredentials(known.details)],
    ...(typeof retryAfterMs === 'number' ? { nextRetryDelay: retryAfterMs } : {}),
  });
}

function unknownFailure(error: unknown, attempt: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'UNKNOWN',
    message: redact(error instanceof Error ? `${error.name}: ${error.message}` : String(error)),
    nonRetryable: attempt >= UNKNOWN_ATTEMPTS,
    ...(error instanceof Error ? { cause: safeCopy(error) } : {}),
  });
}

/** A cause goes into history as it is, with its message and its trace. */
function safeCopy(error: Error): Error {
  const copy = new Error(redact(error.message));
  copy.name = error.name;
  copy.stack = redact(error.stack ?? '');
  return copy;
}

const withoutCredentials = (details: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(details).map(([name, value]) => [name, typeof value === 'string' ? redact(value) : value]),
  );

function currentAttempt(): number {
  try {
    return Context.current().info.attempt;
  } catch {
    return 1; // Outside of an activity.
  }
}

/** The worker itself tells a cancelled activity by this name. */
const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

/** gRPC: deadline exceeded, resource exhausted, unavailable. */
const GRPC_AWAY = new Set<unknown>([4, 8, 14]);
const POOL_FULL = /^timeout exceeded when trying to connect/;

/** Whether some server is away, by the code of the error or of anything that caused it. */
function isOutage(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > 5) return false;
  const { code } = error as { code?: unknown };
  if (isRetryablePg(error) || isConnectionGone(error) || GRPC_AWAY.has(code) || POOL_FULL.test(error.message))
    return true;
  if (error.name.startsWith('KafkaJS')) return (error as { retriable?: unknown }).retriable !== false;
  const inner: unknown[] = error instanceof AggregateError ? error.errors : [];
  return [error.cause, ...inner].some((one) => isOutage(one, depth + 1));
}

function isPgError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Only the driver's own errors: a refused connection may just as well be that of another server.
  return 'severity' in error || (isRetryablePg(error) && isConnectionGone(error));
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
