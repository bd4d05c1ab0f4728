/** What people are told of a workflow that failed, as an error with one of our codes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  TerminatedFailure,
  TimeoutFailure,
  WorkflowFailedError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { TimeoutType } from '@temporalio/common';
import { asSluiceError, failureOf } from '../../../workers/run-failure.js';

const failed = (cause: Error): WorkflowFailedError =>
  new WorkflowFailedError('Workflow execution failed', cause, 'NON_RETRYABLE_FAILURE');

describe('a failed workflow as an error of ours', () => {
  test('keeps the code and the reason of its innermost failure', () => {
    const app = ApplicationFailure.nonRetryable('column sales not found', 'JOB_FAILED_USER');
    const activity = new ActivityFailure('failed', 'askJob', '1', 'NON_RETRYABLE_FAILURE', 'worker', app);
    const error = asSluiceError(failed(activity), 'stream a/live');
    assert.deepEqual([error.code, error.message], ['JOB_FAILED_USER', 'stream a/live: column sales not found']);
    const update = asSluiceError(new WorkflowUpdateFailedError('refused', app), 'stream a/live');
    assert.equal(update.code, 'JOB_FAILED_USER');
  });

  test('leaves open what the job does when the end has no code of ours', () => {
    const ends: [Error, RegExp][] = [
      [new CancelledFailure('x'), /it was cancelled \(CANCELLED\)/],
      [new TerminatedFailure('x'), /it was terminated \(TERMINATED\)/],
      [new TimeoutFailure('Workflow timed out', undefined, TimeoutType.START_TO_CLOSE), /TIMED_OUT/],
      [ApplicationFailure.nonRetryable('odd', 'toString'), /odd \(toString\)/],
      [new RangeError('odd'), /odd \(RangeError\)/],
    ];
    for (const [cause, says] of ends) {
      const error = asSluiceError(failed(cause), 'stream a/live');
      assert.equal(error.code, 'JOB_STATUS_UNKNOWN');
      assert.match(error.message, says);
      assert.match(error.message, /may still run/);
    }
  });

  test('a cancel names no kind of workflow', () => {
    assert.deepEqual(failureOf(failed(new CancelledFailure('x'))), { code: 'CANCELLED', message: 'it was cancelled' });
  });
});
