/** Failures that workflows decide themselves, with the codes of the error table. */
import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, TemporalFailure } from '@temporalio/workflow';

/** A business failure: ends the workflow (a plain Error would only stall its task). */
export const fail = (code: string, message: string, details: Record<string, unknown> = {}): ApplicationFailure =>
  ApplicationFailure.create({ type: code, message, nonRetryable: true, details: [details] });

/** The innermost readable line of a failure chain. */
export function readableCause(error: unknown): { code: string; message: string; details: Record<string, unknown> } {
  let current: unknown = error;
  while ((current instanceof ActivityFailure || current instanceof ChildWorkflowFailure) && current.cause) {
    current = current.cause;
  }
  if (current instanceof ApplicationFailure) {
    const details = (current.details?.[0] ?? {}) as Record<string, unknown>;
    return { code: current.type ?? 'UNKNOWN', message: current.message, details };
  }
  if (current instanceof TemporalFailure) return { code: current.name, message: current.message, details: {} };
  return { code: 'UNKNOWN', message: current instanceof Error ? current.message : String(current), details: {} };
}
