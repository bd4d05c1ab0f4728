/** Rules of activities that need neither server nor database: missing jobs, intervals, failures, failures as people read them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  WorkflowFailedError,
} from '@temporalio/client';
import { toFailure, withFailures } from '../../../activities/failures.js';
import { MissingJobs } from '../../../activities/missing-jobs.js';
import { nextIntervalMs } from '../../../activities/watch-interval.js';
import type { Observation } from '../../../engines/port.js';
import { ERROR_CODES, SluiceError, type ErrorCode } from '../../../infra/errors.js';
import { failureOf } from '../../../workers/run-failure.js';

describe('missing jobs', () => {
  const missing: Observation = { key: 'k', state: 'unknown', nativeState: 'NOT_FOUND' };
  const states = (times: readonly number[]): string[] => {
    const jobs = new MissingJobs();
    return times.map((nowMs) => jobs.judge('k', missing, nowMs).state);
  };

  test('are lost after three answers and fifteen seconds, not sooner', () => {
    assert.deepEqual(states([0, 15_000]), ['unknown', 'unknown'], 'two answers');
    assert.deepEqual(states([0, 1, 2, 14_999]), Array(4).fill('unknown'), 'a short time');
    assert.deepEqual(states([0, 7_000, 15_000]), ['unknown', 'unknown', 'lost']);
  });

  test('start anew when the engine knows them again, each for itself', () => {
    const jobs = new MissingJobs();
    for (const nowMs of [0, 8_000]) jobs.judge('k', missing, nowMs);
    assert.equal(jobs.judge('k', { key: 'k', state: 'running', nativeState: 'RUNNING' }, 10_000).state, 'running');
    for (const nowMs of [15_000, 16_000, 17_000]) assert.equal(jobs.judge('k', missing, nowMs).state, 'unknown');
    assert.equal(jobs.judge('other', { ...missing, key: 'other' }, 40_000).state, 'unknown');
  });

  test('another kind of unknown is not missing', () => {
    const jobs = new MissingJobs();
    const unsure: Observation = { key: 'k', state: 'unknown', nativeState: 'RECONCILING' };
    for (const nowMs of [0, 20_000, 40_000, 60_000]) assert.equal(jobs.judge('k', unsure, nowMs).state, 'unknown');
  });

  test('say why, and blame the platform', () => {
    const jobs = new MissingJobs();
    for (const nowMs of [0, 9_000]) jobs.judge('k', missing, nowMs);
    const lost = jobs.judge('k', missing, 18_000);
    assert.deepEqual(
      [lost.blame, lost.reason],
      ['platform', 'the engine answered 3 times in 18 s that it does not know the job'],
    );
  });
});

describe('interval of a watcher', () => {
  test('is short while a job is young, longer when all are old', () => {
    assert.equal(nextIntervalMs(1_000, 0, 0, 0.5), 1_000);
    assert.equal(nextIntervalMs(1_000, 119_999, 0, 0.5), 1_000);
    assert.equal(nextIntervalMs(1_000, 120_000, 0, 0.5), 5_000);
  });

  test('grows while nobody answers, to half a minute', () => {
    assert.deepEqual(
      [1, 2, 3, 4, 5, 60].map((failures) => nextIntervalMs(1_000, 0, failures, 0.5)),
      [2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
    );
  });

  test('is spread by a tenth', () => {
    assert.deepEqual([nextIntervalMs(1_000, 0, 0, 0), nextIntervalMs(1_000, 0, 0, 1)], [900, 1_100]);
  });
});

describe('failures', () => {
  test('carry the code as their type, and retry as the table says', () => {
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
      const failure = toFailure(new SluiceError(code, 'why', { details: { a: 1 } }));
      assert.ok(failure instanceof ApplicationFailure);
      assert.deepEqual(
        [failure.type, failure.message, failure.nonRetryable, failure.details],
        [code, 'why', ERROR_CODES[code] !== 'yes', [{ a: 1 }]],
      );
    }
  });

  test('what the server asks to wait is waited', () => {
    const failure = toFailure(new SluiceError('ENGINE_UNREACHABLE', 'slow down', { details: { retryAfterMs: 7_000 } }));
    assert.equal((failure as ApplicationFailure).nextRetryDelay, 7_000);
  });

  test('cancellation, servers that are away and ready failures pass through as they are', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    for (const error of [
      new CancelledFailure('stop'),
      Object.assign(new Error('x'), { name: 'AbortError' }),
      ApplicationFailure.nonRetryable('x'),
      refused,
      new AggregateError([refused]),
      new TypeError('fetch failed', { cause: refused }),
      new Error('timeout exceeded when trying to connect'),
      Object.assign(new Error('unavailable'), { code: 14 }),
      Object.assign(new Error('no broker'), { name: 'KafkaJSConnectionError', retriable: true }),
    ]) {
      assert.equal(toFailure(error, 99), error);
    }
  });

  test('errors that nobody knows are tried again some times, not for ever', () => {
    const at = (attempt: number): ApplicationFailure => toFailure(new TypeError('x'), attempt) as ApplicationFailure;
    assert.deepEqual([at(1).type, at(1).message], ['UNKNOWN', 'TypeError: x']);
    assert.deepEqual([at(1).nonRetryable, at(9).nonRetryable, at(10).nonRetryable], [false, false, true]);
    assert.equal((toFailure(undefined) as ApplicationFailure).nonRetryable, false);
  });

  test('no credential reaches history: not by a message, its cause and trace, nor by details', () => {
    const secret = 'password=hunter2';
    const unknown = toFailure(new TypeError(`cannot read ${secret}`)) as ApplicationFailure;
    const known = toFailure(
      new SluiceError('ENGINE_REJECTED', `refused ${secret}`, { details: { reason: secret, n: 1 } }),
    );
    const { message, cause } = unknown;
    assert.ok(cause instanceof Error);
    assert.deepEqual([cause.name, cause.message], ['TypeError', 'cannot read password=***']);
    assert.match(cause.stack ?? '', /small-rules\.test/, 'the place is still told');
    const { message: second, details } = known as ApplicationFailure;
    const told = [message, cause.message, cause.stack, second, JSON.stringify(details)].join(' ');
    assert.doesNotMatch(told, /hunter2/);
    assert.deepEqual(details, [{ reason: 'password=***', n: 1 }]);
  });

  test('errors of Postgres are told apart by their state, and tell no connection string', () => {
    const of = (code: string): ApplicationFailure =>
      toFailure(Object.assign(new Error('text'), { severity: 'ERROR', code })) as ApplicationFailure;
    for (const code of ['40001', '40P01', '57P01', '53300', '08006'])
      assert.deepEqual([of(code).type, of(code).nonRetryable], ['STORE_UNREACHABLE', false], code);
    for (const code of ['23505', '42P01', '22003'])
      assert.deepEqual([of(code).type, of(code).nonRetryable], ['STORE_REJECTED', true], code);
  });

  test('every function of a group is wrapped', async () => {
    const group = withFailures({
      good: async (n: number) => n + 1,
      bad: async () => Promise.reject(new SluiceError('JOB_LOST', 'gone')),
    });
    assert.equal(await group.good(1), 2);
    await assert.rejects(group.bad(), { type: 'JOB_LOST' });
  });
});

describe('the cause of a failed run', () => {
  const failed = (cause: Error): WorkflowFailedError =>
    new WorkflowFailedError('failed', cause, 'NON_RETRYABLE_FAILURE');
  const activity = (cause: Error) => new ActivityFailure('a', 'submitJob', '1', 'NON_RETRYABLE_FAILURE', 'id', cause);

  test('is the innermost one with a code', () => {
    const app = ApplicationFailure.nonRetryable('column sales not found', 'JOB_FAILED_USER');
    const child = new ChildWorkflowFailure(
      'default',
      { workflowId: 'w', runId: 'r' },
      'engineJob',
      'NON_RETRYABLE_FAILURE',
      activity(app),
    );
    assert.deepEqual(failureOf(failed(child)), { code: 'JOB_FAILED_USER', message: 'column sales not found' });
  });

  test('is readable for a cancel, and for anything else', () => {
    assert.deepEqual(failureOf(failed(new CancelledFailure('x'))), {
      code: 'CANCELLED',
      message: 'it was cancelled',
    });
    assert.deepEqual(failureOf(failed(new RangeError('odd'))), { code: 'RangeError', message: 'odd' });
    assert.equal(failureOf(failed(ApplicationFailure.nonRetryable('untyped'))).message, 'untyped');
  });
});
