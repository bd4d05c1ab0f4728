/** Whether a workflow ends because it was cancelled, whatever the step that was under way then failed with. */
import { CancellationScope, CancelledFailure, isCancellation } from '@temporalio/workflow';

/** The server does not retry an activity whose cancel was asked for, so a passing fault can be the last word of a cancel. */
export const wasCancelled = (error: unknown): boolean =>
  isCancellation(error) || CancellationScope.current().consideredCancelled;

export const asCancellation = (error: unknown): unknown =>
  isCancellation(error) ? error : new CancelledFailure('cancelled', [], error instanceof Error ? error : undefined);
