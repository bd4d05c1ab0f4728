/** Verdict rules: nulls are not values, rows are counted and not kinds, nothing to look at is never a pass. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { baseRows, goodRows, judge, worst } from '../../../activities/quality/judge.js';
import { checkSchema, type Check } from '../../../pipelines/checks.js';

const accepted = (extra: Record<string, unknown>): Check =>
  checkSchema.parse({ type: 'accepted_values', column: 'country', values: ['DE'], ...extra });

describe('judge', () => {
  const counts = { rows: 1000, nulls: 400, bad: 6 };

  it('measures a percentage against the non-null rows unless told otherwise', () => {
    const check = accepted({ tolerance: { pct: 1 } });
    assert.equal(judge(check, counts), 'pass');
    assert.equal(goodRows(check, counts), 594);
    assert.equal(baseRows(check, counts), 600);
    assert.equal(judge(check, { ...counts, bad: 7 }), 'fail');
    assert.equal(judge(accepted({ tolerance: { pct: 1, base: 'rows' } }), { ...counts, bad: 10 }), 'pass');
    assert.equal(judge(accepted({ tolerance: { pct: 1, base: 'rows' } }), { ...counts, bad: 11 }), 'fail');
  });

  it('counts nulls as bad when told to', () => {
    assert.equal(judge(accepted({ tolerance: { pct: 1 }, countNulls: true }), counts), 'fail');
    assert.equal(judge(accepted({ tolerance: { pct: 40.6 }, countNulls: true }), counts), 'pass');
    assert.equal(judge(accepted({ tolerance: { pct: 40.5 }, countNulls: true }), counts), 'fail');
  });

  it('counts bad rows and not bad kinds', () => {
    assert.equal(judge(accepted({ tolerance: 10 }), { rows: 5000, nulls: 0, bad: 2001 }), 'fail');
    assert.equal(judge(accepted({ tolerance: { rows: 2001 } }), { rows: 5000, nulls: 0, bad: 2001 }), 'pass');
  });

  it('needs both limits when both are given', () => {
    const both = accepted({ tolerance: { rows: 10, pct: 1 } });
    assert.equal(judge(both, { rows: 10_000, nulls: 0, bad: 11 }), 'fail');
    assert.equal(judge(both, { rows: 100, nulls: 0, bad: 2 }), 'fail');
    assert.equal(judge(both, { rows: 1000, nulls: 0, bad: 10 }), 'pass');
  });

  it('is exact at the edge of a percentage', () => {
    assert.equal(judge(accepted({ tolerance: { pct: 0.29 } }), { rows: 10_000, nulls: 0, bad: 29 }), 'pass');
    assert.equal(judge(accepted({ tolerance: { pct: 0.29 } }), { rows: 10_000, nulls: 0, bad: 30 }), 'fail');
  });

  it('says empty when there was nothing to look at', () => {
    assert.equal(judge(accepted({}), { rows: 0, nulls: 0, bad: 0 }), 'empty');
    assert.equal(judge(accepted({}), { rows: 5, nulls: 5, bad: 0 }), 'empty');
    assert.equal(judge(accepted({ countNulls: true }), { rows: 5, nulls: 5, bad: 0 }), 'fail');
    const notNull = checkSchema.parse({ type: 'not_null', columns: ['country'] });
    assert.equal(judge(notNull, { rows: 5, nulls: 5, bad: 5 }), 'fail');
    assert.equal(goodRows(notNull, { rows: 5, nulls: 2, bad: 2 }), 3);
  });

  it('only warns where the severity says so', () => {
    assert.equal(judge(accepted({ severity: 'warn' }), counts), 'warn');
  });

  it('orders verdicts: error, fail, empty, warn, pass', () => {
    assert.equal(worst(['pass', 'warn', 'empty', 'fail', 'error']), 'error');
    assert.equal(worst(['pass', 'warn', 'empty', 'fail']), 'fail');
    assert.equal(worst(['pass', 'warn', 'empty']), 'empty');
    assert.equal(worst(['warn', 'pass']), 'warn');
    assert.equal(worst([]), 'pass');
  });
});
