/** Sums are compared as exact decimals. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withinTolerance } from '../../../activities/quality/decimal.js';

describe('withinTolerance', () => {
  it('compares beyond the precision of a float and across scales', () => {
    assert.ok(withinTolerance('12345678901234.5700', '12345678901234.57', '0'));
    assert.ok(!withinTolerance('12345678901234567.0001', '12345678901234567', '0'));
    assert.ok(withinTolerance('12345678901234567.0001', '12345678901234567', '0.0001'));
    assert.ok(withinTolerance('-1', '1', '2'));
    assert.ok(!withinTolerance('-1', '1', '1.9999'));
    assert.ok(withinTolerance('1e3', '1000', '1e-9'));
    assert.ok(withinTolerance('.5', '0.5', '0'));
  });

  it('refuses what is not a decimal', () => {
    for (const text of ['', 'NaN', '1,5', '.', '1e9999']) {
      assert.throws(() => withinTolerance(text, '0', '0'), { code: 'INVALID_REQUEST' });
    }
  });
});
