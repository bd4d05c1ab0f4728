/** The readable cause of a failed workflow. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TerminatedFailure,
  TimeoutFailure,
  type WorkflowFailedError,
  type WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ERROR_CODES, SluiceError, type ErrorCode } from '../infra/errors.js';

export interface RunFailure {
  code: string;
  message: string;
}

export function failureOf(error: WorkflowFailedError | WorkflowUpdateFailedError): RunFailure {
  let cause: unknown = error.cause;
  while ((cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) && cause.cause)
    cause = cause.cause;
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'UNKNOWN', message: cause.message };
  if (cause instanceof CancelledFailure) return { code: 'CANCELLED', message: 'it was cancelled' };
  if (cause instanceof TerminatedFailure) return { code: 'TERMINATED', message: 'it was terminated' };
  if (cause instanceof TimeoutFailure) return { code: 'TIMED_OUT', message: cause.message };
  return {
    code: cause instanceof Error ? cause.name : 'UNKNOWN',
    message: cause instanceof Error ? cause.message : String(cause),
  };
}

/** The same as an error of our own; a workflow that ended with no code of ours leaves open what its job does. */
export function asSluiceError(error: WorkflowFailedError | WorkflowUpdateFailedError, what: string): SluiceError {
  const { code, message } = failureOf(error);
  return isCode(code)
    ? new SluiceError(code, `${what}: ${message}`, { cause: error })
    : new SluiceError('JOB_STATUS_UNKNOWN', `${what}: ${message} (${code}); its job may still run`, { cause: error });
}

const isCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_CODES, code);
