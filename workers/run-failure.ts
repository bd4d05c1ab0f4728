/** The readable cause of a failed workflow. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  type WorkflowFailedError,
} from '@temporalio/client';

export interface RunFailure {
  code: string;
  message: string;
}

export function failureOf(error: WorkflowFailedError): RunFailure {
  let cause: unknown = error.cause;
  while ((cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) && cause.cause)
    cause = cause.cause;
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'UNKNOWN', message: cause.message };
  if (cause instanceof CancelledFailure) return { code: 'CANCELLED', message: 'the run was cancelled' };
  return {
    code: cause instanceof Error ? cause.name : 'UNKNOWN',
    message: cause instanceof Error ? cause.message : String(cause),
  };
}
