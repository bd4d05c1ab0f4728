/** How an execution ended that was to fail or to be cancelled. */
import assert from 'node:assert/strict';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { failureOf, type RunFailure } from '../../workers/run-failure.js';

async function failureFrom(handle: WorkflowHandle): Promise<WorkflowFailedError> {
  const error = await handle.result().then(
    () => assert.fail(`${handle.workflowId} went well`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof WorkflowFailedError, String(error));
  return error;
}

/** The cause of its failure, as a person reads it. */
export const failedWith = async (handle: WorkflowHandle): Promise<RunFailure> => failureOf(await failureFrom(handle));

/** Fails unless it was cancelled. */
export async function assertCancelled(handle: WorkflowHandle): Promise<void> {
  const { cause } = await failureFrom(handle);
  assert.ok(cause instanceof CancelledFailure, String(cause));
}
