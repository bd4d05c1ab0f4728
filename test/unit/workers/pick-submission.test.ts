/** Which submission is meant when somebody asks for a log. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isSluiceError } from '../../../infra/errors.js';
import type { EngineJobRow } from '../../../infra/postgres/engine-jobs.js';
import { pickSubmission, type SeenJobs } from '../../../workers/job-reads.js';

const row = (part: string, submission: number, state: string, key = `${part}-${submission}`): EngineJobRow =>
  ({ part, submission, state, key }) as EngineJobRow;
const jobs = (...submissions: EngineJobRow[]): SeenJobs => ({ workflowId: 'run/a/b', kind: 'run', submissions });
const refuses = (pick: () => unknown, says: RegExp): void => {
  assert.throws(pick, (error) => isSluiceError(error, 'INVALID_REQUEST') && says.test(error.message));
};

describe('the submission that is meant', () => {
  test('is the last one of the only stage', () => {
    const seen = jobs(row('daily', 1, 'failed'), row('daily', 2, 'succeeded'));
    assert.equal(pickSubmission(seen, {})?.key, 'daily-2');
    assert.equal(pickSubmission(seen, { submission: 1 })?.key, 'daily-1');
  });

  test('is that of the only stage that failed in the end', () => {
    const seen = jobs(row('load', 1, 'failed'), row('load', 2, 'succeeded'), row('rank', 1, 'lost'));
    assert.equal(pickSubmission(seen, {})?.key, 'rank-1');
    assert.equal(pickSubmission(seen, { stage: 'load' })?.key, 'load-2');
  });

  test('has to be named where several stages can be meant', () => {
    refuses(() => pickSubmission(jobs(row('load', 1, 'succeeded'), row('rank', 1, 'running')), {}), /load, rank/);
    refuses(() => pickSubmission(jobs(row('load', 1, 'failed'), row('rank', 1, 'failed')), {}), /load, rank/);
  });

  test('is the newest of its number when a stage was run again', () => {
    const seen = jobs(row('daily', 1, 'failed', 'first'), row('daily', 1, 'succeeded', 'again'));
    assert.equal(pickSubmission(seen, { submission: 1 })?.key, 'again');
  });

  test('must be there: what is known is named', () => {
    const seen = jobs(row('daily', 1, 'failed'), row('daily', 2, 'failed'));
    refuses(() => pickSubmission(seen, { stage: 'nightly' }), /daily/);
    refuses(() => pickSubmission(seen, { submission: 3 }), /known are 1, 2/);
    refuses(() => pickSubmission(jobs(), { stage: 'daily' }), /no submission/);
    assert.equal(pickSubmission(jobs(), {}), undefined);
  });
});
