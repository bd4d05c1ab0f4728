/** Checks on a real staging table: exact counts, errors that block, and comparisons of two engines' tables. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Pool } from '../../infra/postgres/pool.js';
import type { CuratedTable, RunChecksResult } from '../../workflows/contracts/curated.js';
import { createTestDatabase, NO_DATABASE, type TestDatabase } from '../support/curated-database.js';
import { activitiesFor, day, runFor, SALES, stage } from '../support/curated-run.js';
import { MemoryObjects } from '../support/submission.js';

const ORDERS: CuratedTable = {
  table: 'orders',
  output: 'orders',
  columns: { order_date: 'date', order_id: 'bigint', country: 'text', amount: 'numeric(18,4)' },
  key: ['order_date', 'order_id'],
  partitionColumn: 'order_date',
  grain: 'day',
};
const orders = (date: string, from: number, count: number, country: string, amount = '1.0000'): string =>
  `select date '${date}' as order_date, i::bigint as order_id, ${country} as country, ${amount}::decimal(18,4) as amount
   from range(${from}, ${from + count}) t(i)`;

describe('checks', { skip: NO_DATABASE }, () => {
  let database: TestDatabase;
  let pool: Pool;
  const run = runFor('2026-03-01', '2026-03-04');
  before(async () => {
    database = await createTestDatabase();
    pool = database.pool;
  });
  after(() => database.close({ keep: false }));

  const check = async (
    queries: string[],
    checks: Record<string, unknown>[],
    table = ORDERS,
  ): Promise<RunChecksResult & { submissionKey: string }> => {
    const { stagingTable, submissionKey } = await stage(pool, run, queries, { table });
    const input = { run, table, stagingTable, submissionKey, checks };
    const activities = activitiesFor(pool, new MemoryObjects());
    const result = await activities.runChecks(input);
    assert.deepEqual(await activities.runChecks(input), result);
    return { ...result, submissionKey };
  };

  it('does not take nulls for values', async () => {
    const rows = [
      orders('2026-03-01', 0, 594, "'DE'"),
      orders('2026-03-01', 1000, 400, 'null::varchar'),
      orders('2026-03-01', 2000, 6, "'Germny'"),
    ];
    const accepted = {
      type: 'accepted_values',
      column: 'country',
      values: ['DE', 'FR', 'Germany'],
      tolerance: { pct: 1 },
    };
    const { checks, verdict, held } = await check(rows, [accepted, { ...accepted, countNulls: true, name: 'strict' }]);
    const [lenient, strict] = checks;
    assert.deepEqual(
      [lenient?.rows, lenient?.nulls, lenient?.bad, lenient?.good, lenient?.verdict],
      [1000, 400, 6, 594, 'pass'],
    );
    assert.deepEqual(
      [lenient?.base, lenient?.badKinds, lenient?.samples],
      ['non_null', 1, [{ value: 'Germny', count: 6 }]],
    );
    assert.deepEqual([strict?.base, strict?.verdict], ['rows', 'fail']);
    assert.deepEqual([verdict, held], ['fail', [{ partition: '2026-03-01', checks: ['strict'] }]]);
  });

  it('counts rows and not kinds, worst sample first', async () => {
    const rows = [
      orders('2026-03-01', 0, 10, "'EUR'"),
      orders('2026-03-01', 100, 2000, "'EURO'"),
      orders('2026-03-01', 5000, 1, "'usd'"),
    ];
    const { checks } = await check(rows, [
      { type: 'accepted_values', column: 'country', values: ['EUR', 'USD'], tolerance: { rows: 10 } },
      { type: 'not_null', columns: ['country', 'amount'] },
      { type: 'range', column: 'amount', max: '0.9999', severity: 'warn' },
    ]);
    const [currency, notNull, range] = checks;
    assert.deepEqual([currency?.verdict, currency?.bad, currency?.badKinds], ['fail', 2001, 2]);
    assert.deepEqual(currency?.samples, [
      { value: 'EURO', count: 2000 },
      { value: 'usd', count: 1 },
    ]);
    assert.equal(notNull?.verdict, 'pass');
    assert.deepEqual([range?.verdict, range?.bad, range?.samples], ['warn', 2011, [{ value: '1.0000', count: 2011 }]]);
  });

  it('holds back only the day that is bad', async () => {
    const rows = ['2026-03-01', '2026-03-02', '2026-03-03'].map((date, index) =>
      orders(date, index * 100, 30, "'DE'", date === '2026-03-02' ? '-1' : '1'),
    );
    const result = await check(rows, [
      { type: 'range', column: 'amount', min: 0 },
      { type: 'row_count', min: 30 },
      { type: 'length', column: 'country', min: 2, max: 2 },
      { type: 'regex', column: 'country', pattern: '^[A-Z]+$' },
    ]);
    assert.deepEqual(result.verdicts, { '2026-03-01': 'pass', '2026-03-02': 'fail', '2026-03-03': 'pass' });
    assert.deepEqual(result.held, [{ partition: '2026-03-02', checks: ['range(amount)'] }]);
    assert.deepEqual(
      result.checks.map((each) => each.verdict),
      ['fail', 'pass', 'pass', 'pass'],
    );
    assert.deepEqual([result.checks[0]?.failedPartitions, result.checks[0]?.failedPartitionCount], [['2026-03-02'], 1]);
    const { rows: kept } = await pool.query<Record<string, string>>(
      `select partition, check_name, verdict, bad from control.quality_result
       where submission_key = $1 order by partition, check_name`,
      [result.submissionKey],
    );
    assert.deepEqual(
      kept.filter((row) => row['verdict'] !== 'pass'),
      [
        { partition: '2026-03-01/2026-03-04', check_name: 'range(amount)', verdict: 'fail', bad: '30' },
        { partition: '2026-03-02', check_name: 'range(amount)', verdict: 'fail', bad: '30' },
      ],
    );
    assert.equal(kept.length, 5);
  });

  it('reports a check that cannot be evaluated as error, blocks, and evaluates the others', async () => {
    const result = await check(
      [orders('2026-03-01', 0, 5, "'DE'")],
      [
        { type: 'not_null', columns: ['country'] },
        { type: 'not_null', columns: ['town'] },
        { type: 'regex', column: 'country', pattern: '(' },
        { type: 'sql', expression: 'no_such_function(amount)', severity: 'warn' },
        { type: 'sql', query: 'delete from {table} returning 1', name: 'writes' },
        { type: 'range', column: 'amount', min: 'abc' },
      ],
    );
    assert.deepEqual(
      result.checks.map((each) => each.verdict),
      ['pass', 'error', 'error', 'error', 'error', 'error'],
    );
    assert.match(result.checks[1]?.message ?? '', /no such column "town"/);
    assert.equal(result.verdict, 'error');
    assert.deepEqual(result.held, [
      { partition: '2026-03-01', checks: ['not_null(town)', 'regex(country)', 'writes', 'range(amount)'] },
    ]);
  });

  it('calls nothing to check empty, never pass', async () => {
    const checks = [
      { type: 'not_null', columns: ['country'] },
      { type: 'range', column: 'amount', min: 0 },
      { type: 'unique', columns: ['order_id'] },
      { type: 'row_count', min: 1 },
    ];
    const none = await check([orders('2026-03-01', 0, 0, "'DE'")], checks);
    assert.deepEqual(
      [none.verdict, ...none.checks.map((each) => each.verdict)],
      ['empty', 'empty', 'empty', 'empty', 'empty'],
    );
    assert.deepEqual([none.held, none.verdicts], [[], {}]);
    const nulls = await check(
      [orders('2026-03-01', 0, 5, 'null::varchar')],
      [
        { type: 'regex', column: 'country', pattern: 'x' },
        { type: 'range', column: 'amount', min: 0, where: "country = 'DE'" },
      ],
    );
    assert.deepEqual(
      nulls.checks.map((each) => [each.verdict, each.rows]),
      [
        ['empty', 5],
        ['empty', 0],
      ],
    );
    assert.deepEqual([nulls.verdicts, nulls.held], [{ '2026-03-01': 'empty' }, []]);
  });

  it('marks all rows of a duplicated key, across days too', async () => {
    const rows = [
      orders('2026-03-01', 0, 10, "'DE'"),
      orders('2026-03-02', 8, 10, "'DE'"),
      orders('2026-03-03', 8, 1, "'DE'"),
    ];
    const { checks, held } = await check(rows, [
      { type: 'unique', columns: ['order_id'] },
      { type: 'unique', columns: ['order_date', 'order_id'] },
    ]);
    assert.deepEqual([checks[0]?.bad, checks[0]?.good, checks[0]?.badKinds, checks[0]?.verdict], [5, 16, 2, 'fail']);
    assert.deepEqual(checks[0]?.samples, [
      { value: '{"order_id" : 8}', count: 3 },
      { value: '{"order_id" : 9}', count: 2 },
    ]);
    assert.equal(checks[1]?.verdict, 'pass');
    assert.deepEqual(
      held.map((each) => each.partition),
      ['2026-03-01', '2026-03-02', '2026-03-03'],
    );
  });

  it('compares sums exactly, by a number or by a query per day', async () => {
    const rows = [orders('2026-03-01', 0, 3, "'DE'", '0.1'), orders('2026-03-02', 10, 3, "'DE'", '0.2')];
    const expected = (second: string): string =>
      `select date '2026-03-01' as partition, 0.3 as expected union all select :partition_from + 1, ${second}`;
    const { checks, held } = await check(rows, [
      { type: 'sum_matches', column: 'amount', sql: expected('0.6000') },
      { type: 'sum_matches', column: 'amount', sql: expected('0.6001') },
      { type: 'sum_matches', column: 'amount', sql: expected('0.6001'), tolerance: '0.0001' },
      { type: 'sum_matches', column: 'amount', expected: '0.3', where: "order_date = '2026-03-01'", severity: 'warn' },
      {
        type: 'sum_matches',
        column: 'amount',
        sql: `select date '2026-03-01' as partition, 0.3 as expected`,
        name: 'gap',
      },
    ]);
    assert.deepEqual(
      checks.map((each) => each.verdict),
      ['pass', 'fail', 'pass', 'warn', 'error'],
    );
    assert.equal(checks[1]?.name, 'sum_matches(amount) #2');
    assert.equal(checks[1]?.message, '2026-03-02: sum of amount is 0.6000, expected 0.6001');
    assert.match(checks[4]?.message ?? '', /no expected sum for partition 2026-03-02/);
    assert.deepEqual(held, [
      { partition: '2026-03-01', checks: ['gap'] },
      { partition: '2026-03-02', checks: ['sum_matches(amount) #2', 'gap'] },
    ]);
  });

  it('runs own conditions and own queries', async () => {
    const rows = [orders('2026-03-01', 0, 3, "'DE'"), orders('2026-03-02', 10, 3, "'FR'")];
    const { checks, held } = await check(rows, [
      { type: 'sql', expression: "country = 'DE' -- home", severity: 'warn', name: 'home' },
      {
        type: 'sql',
        query: "select order_date as partition, country from {table} where country = 'FR'",
        name: 'per day',
      },
      { type: 'sql', query: "select country from {table} where country = 'FR'", name: 'all', severity: 'warn' },
      { type: 'sql', query: 'select 1 as partition from {table} where false', name: 'none' },
    ]);
    assert.deepEqual(
      checks.map((each) => [each.verdict, each.bad]),
      [
        ['warn', 3],
        ['fail', 3],
        ['warn', 6],
        ['error', 0],
      ],
    );
    assert.deepEqual(checks[1]?.samples, [{ value: '{"partition":"2026-03-02","country":"FR"}', count: 3 }]);
    assert.deepEqual(
      held.map((each) => each.checks),
      [['none'], ['per day', 'none']],
    );
  });

  it('compares two tables to the last decimal, and two empty sides are not a pass', async () => {
    await pool.query(`
      create table curated.live (business_date date, city text, sales numeric(18,4), orders bigint);
      create table curated.daily (like curated.live);
      insert into curated.daily select d::date, 'city ' || i, i + 0.5, i
        from generate_series('2026-03-01'::date, '2026-03-05', interval '1 day') d, generate_series(1, 30) i;
      insert into curated.live select * from curated.daily where business_date < '2026-03-03'`);
    const compare = (extra: Record<string, unknown>, range = run) =>
      activitiesFor(pool, new MemoryObjects()).compareTables({
        run: range,
        table: 'daily',
        check: { type: 'reconcile', keys: ['business_date', 'city'], values: ['sales', 'orders'], ...extra },
      });
    const tables = { left: 'live', right: 'daily', dayColumn: 'business_date' };

    const twoDays = await compare(tables, runFor('2026-03-01', '2026-03-03'));
    assert.deepEqual([twoDays.verdict, twoDays.agree, twoDays.leftRows, twoDays.rightRows], ['pass', 60, 60, 60]);
    const third = await compare(tables, runFor('2026-03-03', '2026-03-04'));
    assert.deepEqual([third.verdict, third.message], ['empty', 'not compared: the left side has no rows']);
    assert.equal((await compare({ ...tables, left: 'not_there_yet' })).verdict, 'empty');
    assert.equal((await compare({ ...tables, values: ['profit'] })).verdict, 'error');

    await pool.query(`
      update curated.live set sales = sales + 0.0001 where city = 'city 1' and business_date = '2026-03-01';
      update curated.live set sales = sales - 5, orders = orders + 1 where city = 'city 2' and business_date = '2026-03-01';
      delete from curated.live where city = 'city 3' and business_date = '2026-03-02';
      insert into curated.live values ('2026-03-02', 'extra', 1, 1), ('2026-03-02', 'city 4', 4.5, 4)`);
    const wrong = await compare({ ...tables, severity: 'warn' }, runFor('2026-03-01', '2026-03-03'));
    assert.deepEqual(
      [wrong.verdict, wrong.agree, wrong.differ, wrong.onlyLeft, wrong.onlyRight],
      ['warn', 56, 4, 1, 1],
    );
    assert.deepEqual(wrong.samples[0], {
      key: { business_date: '2026-03-01', city: 'city 2' },
      left: { sales: '-2.5000', orders: '3' },
      right: { sales: '2.5000', orders: '2' },
    });
    assert.equal(wrong.samples.find((sample) => sample.key['city'] === 'extra')?.right, null);

    const whole = {
      leftSql:
        'select city, sum(sales) as sales from curated.daily where business_date >= :partition_from group by city',
      rightSql: 'select city, sum(sales) as sales from curated.daily where business_date >= :partition_from group by 1',
      keys: ['city'],
      values: ['sales'],
      tolerance: '0.0001',
      name: 'itself',
    };
    assert.equal((await compare(whole)).verdict, 'pass');
    const { rows } = await pool.query(
      `select verdict, good, bad from control.quality_result where check_name = 'itself'`,
    );
    assert.deepEqual(rows, [{ verdict: 'pass', good: '30', bad: '0' }]);
  });

  it('leaves reconcile checks to the comparison and refuses the reverse', async () => {
    const reconcile = { type: 'reconcile', left: 'live', right: 'daily', keys: ['city'], values: ['sales'] };
    const result = await check([day('2026-03-01', 3)], [reconcile, { type: 'row_count', min: 1 }], SALES);
    assert.deepEqual(
      result.checks.map((each) => each.type),
      ['row_count'],
    );
    const activities = activitiesFor(pool, new MemoryObjects());
    await assert.rejects(activities.compareTables({ run, table: 'daily', check: { type: 'row_count', min: 1 } }), {
      code: 'INVALID_REQUEST',
    });
    await assert.rejects(activities.compareTables({ run, table: 'daily', check: {} }), { code: 'CONFIG_INVALID' });
  });
});
