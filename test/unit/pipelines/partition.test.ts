/** Partitions: what is taken, what is refused and with which words, and table partitions of each grain. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isSluiceError } from '../../../infra/errors.js';
import { addDays, dayCount, dayIn, monthOf, quarterOf } from '../../../pipelines/days.js';
import {
  days,
  MAX_PARTITION_DAYS,
  parsePartition,
  partitionEnd,
  partitionStart,
  tablePartitions,
} from '../../../pipelines/partition.js';

const clock = { now: new Date('2026-03-10T23:30:00Z'), timeZone: 'UTC' };

describe('partition', () => {
  it('a day, a range, and a range of one day', () => {
    assert.deepEqual(parsePartition('1998-03-14', clock), {
      text: '1998-03-14',
      kind: 'day',
      from: '1998-03-14',
      to: '1998-03-15',
    });
    assert.deepEqual(parsePartition('1997-01-01/1998-12-31', clock), {
      text: '1997-01-01/1998-12-31',
      kind: 'range',
      from: '1997-01-01',
      to: '1998-12-31',
    });
    assert.equal(parsePartition('2000-02-29/2000-03-01', clock).text, '2000-02-29');
    assert.equal(parsePartition('2024-02-29', clock).to, '2024-03-01');
    assert.equal(parsePartition('1999-12-31', clock).to, '2000-01-01');
  });

  const refused: [unknown, RegExp][] = [
    ['1998-02-30', /1998-02-30 does not exist: the last day of 1998-02 is 1998-02-28/],
    ['1900-02-29', /the last day of 1900-02 is 1900-02-28/],
    ['2000-02-30', /the last day of 2000-02 is 2000-02-29/],
    ['1998-13-01', /1998-13-01 does not exist: months go from 01 to 12/],
    ['1998-00-01', /months go from 01 to 12/],
    ['1998-04-00', /the last day of 1998-04 is 1998-04-30/],
    ['2026-2-1', /write month and day with two digits: '2026-02-01'/],
    ['2026-02-01T00:00:00', /a day has no time: '2026-02-01'/],
    ['14.03.1998', /want a day such as '1998-03-14', or a range/],
    ['', /want a day/],
    [' 1998-03-14', /want a day/],
    ['1998-03-14\n', /want a day/],
    ['1998-03-14/', /want a day/],
    ['1998-03-14/1998-03-16/1998-03-17', /want a day/],
    ['yesterday', /want a day/],
    ['1998-03-14/1998-03-14', /must be before the second, which is not included: for that one day write '1998-03-14'/],
    ['1998-03-14/1998-03-01', /write '1998-03-01\/1998-03-14'/],
    ['2026-03-11', /2026-03-11 is in the future: today is 2026-03-10 in UTC/],
    ['2026-03-01/2026-03-12', /2026-03-11 is in the future/],
    ['2030-01-01/2031-01-01', /in the future/],
    ['0001-01-01', /before 1900-01-01/],
    ['1990-01-01/2000-12-15', /4001 days, at most 3660 go into one run/],
    ['1990-01-01/2000-12-14', /4000 days, at most 3660/],
    [undefined, /partition is missing or no text/],
    [19_980_314, /missing or no text/],
    [['1998-03-14'], /missing or no text/],
    ['x'.repeat(300_000), /want a day/],
  ];
  for (const [value, pattern] of refused) {
    it(`refuses ${JSON.stringify(value)?.slice(0, 40)}`, () =>
      assert.throws(
        () => parsePartition(value, clock),
        (error: unknown) => {
          assert.ok(isSluiceError(error, 'INVALID_REQUEST'));
          assert.match(error.message, pattern);
          assert.ok(error.message.length < 300);
          return true;
        },
      ));
  }

  it('takes the longest range and today, by the zone of the pipeline', () => {
    const to = addDays('2000-01-01', MAX_PARTITION_DAYS);
    assert.equal(days(parsePartition(`2000-01-01/${to}`, clock)).length, MAX_PARTITION_DAYS);
    assert.equal(parsePartition('2026-03-10', clock).kind, 'day');
    assert.equal(parsePartition('2026-03-01/2026-03-11', clock).kind, 'range');
    assert.equal(parsePartition('2026-03-11', { ...clock, timeZone: 'Europe/Berlin' }).kind, 'day');
    assert.throws(
      () => parsePartition('2026-03-11', { ...clock, timeZone: 'America/New_York' }),
      /today is 2026-03-10/,
    );
  });

  it('days and table partitions', () => {
    assert.deepEqual(days({ from: '1998-02-27', to: '1998-03-02' }), ['1998-02-27', '1998-02-28', '1998-03-01']);
    const range = { from: '1997-11-30', to: '1998-04-01' };
    assert.equal(tablePartitions(range, 'day').length, 122);
    assert.deepEqual(tablePartitions(range, 'month'), [
      '1997-11-01',
      '1997-12-01',
      '1998-01-01',
      '1998-02-01',
      '1998-03-01',
    ]);
    assert.deepEqual(tablePartitions(range, 'quarter'), ['1997-10-01', '1998-01-01']);
    assert.equal(partitionStart('1998-12-30', 'quarter'), '1998-10-01');
    assert.equal(partitionEnd('1998-10-01', 'quarter'), '1999-01-01');
    assert.equal(partitionEnd('1998-02-01', 'month'), '1998-03-01');
    assert.equal(partitionEnd('2000-02-29', 'day'), '2000-03-01');
  });

  it('every day of two years has its neighbours and its month and quarter', () => {
    let day = '1999-12-30';
    for (let count = 0; count < 800; count += 1) {
      const next = addDays(day, 1);
      assert.equal(dayCount(day, next), 1);
      assert.equal(addDays(next, -1), day);
      assert.ok(monthOf(day) <= day && partitionEnd(monthOf(day), 'month') > day);
      assert.ok(quarterOf(day) <= day && partitionEnd(quarterOf(day), 'quarter') > day);
      day = next;
    }
    assert.equal(dayIn(new Date('2026-10-24T22:30:00Z'), 'Europe/Berlin'), '2026-10-25');
    assert.equal(dayIn(new Date('2026-03-01T04:59:59Z'), 'America/New_York'), '2026-02-28');
  });
});
