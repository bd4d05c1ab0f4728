/** Partitions of a range: days, months, quarters, and their readable lists. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addDays,
  describePartitions,
  partitionEnd,
  partitionsOf,
  partitionStart,
} from '../../../infra/postgres/curated-days.js';

describe('partitions', () => {
  it('finds the partitions that touch a range', () => {
    assert.deepEqual(partitionsOf('2024-02-28', '2024-03-02', 'day'), ['2024-02-28', '2024-02-29', '2024-03-01']);
    assert.deepEqual(partitionsOf('1997-12-31', '1998-02-01', 'month'), ['1997-12-01', '1998-01-01']);
    assert.deepEqual(partitionsOf('1997-05-06', '1997-05-07', 'quarter'), ['1997-04-01']);
    assert.deepEqual(partitionsOf('1997-06-30', '1998-01-01', 'quarter'), ['1997-04-01', '1997-07-01', '1997-10-01']);
    assert.equal(partitionsOf('1997-01-01', '1998-12-31', 'day').length, 729);
    assert.equal(partitionsOf('1997-01-01', '1998-12-31', 'quarter').length, 8);
  });

  it('knows where a partition starts and ends', () => {
    assert.equal(partitionStart('1998-12-31', 'quarter'), '1998-10-01');
    assert.equal(partitionEnd('1998-10-01', 'quarter'), '1999-01-01');
    assert.equal(partitionEnd('1998-02-01', 'month'), '1998-03-01');
    assert.equal(addDays('1999-12-31', 1), '2000-01-01');
  });

  it('refuses impossible days and empty ranges', () => {
    assert.throws(() => partitionsOf('1998-02-30', '1998-03-01', 'day'), { code: 'INVALID_REQUEST' });
    assert.throws(() => partitionsOf('1998-02-01', '1998-02-01', 'day'), { code: 'INVALID_REQUEST' });
    assert.throws(() => addDays('1998-2-1', 1), { code: 'INVALID_REQUEST' });
  });

  it('joins neighbours and cuts long lists', () => {
    assert.equal(
      describePartitions(['2026-02-01', '2026-02-02', '2026-02-04'], 'day'),
      '2026-02-01..2026-02-02, 2026-02-04',
    );
    assert.equal(describePartitions(['1997-10-01', '1998-01-01'], 'quarter'), '1997-10-01..1998-01-01');
    const scattered = Array.from({ length: 25 }, (_, index) => addDays('2026-01-01', index * 2));
    assert.match(describePartitions(scattered, 'day'), /and 5 more$/);
  });
});
