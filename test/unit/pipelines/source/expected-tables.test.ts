/** The recomputation itself, on data small enough to check by hand: ties, gaps, first windows, overtakes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDatabase, type SourceDatabase } from '../../../../activities/source/database.js';
import { expectedRows, tableDifferences, type ExpectedTableName } from '../../../support/expected-tables.js';

const SALES: [order: string, line: number, day: string, city: string, seller: string, amount: string][] = [
  ['a', 1, '2024-01-30', 'Bern', '1', '10.0000'],
  ['a', 2, '2024-01-30', 'Bern', '1', '0.1000'],
  ['b', 1, '2024-01-30', 'Basel', '2', '10.1000'],
  ['c', 1, '2024-01-30', 'Chur', '2', '1.0000'],
  ['d', 1, '2024-01-31', 'Bern', '2', '5.0000'],
  ['e', 1, '2024-01-31', 'Basel', '1', '6.0000'],
  ['f', 1, '2024-02-06', 'Bern', '1', '1.0000'],
  ['g', 1, '2024-04-01', 'Bern', '1', '4.0000'],
  ['h', 1, '2024-07-01', 'Bern', '1', '9.0000'],
];

describe('recomputed tables', () => {
  let db: SourceDatabase;
  before(async () => {
    db = await openDatabase();
    const rows = SALES.map(
      ([order, line, day, city, seller, amount]) =>
        `('${order}', ${line}, date '${day}', 'CH', 'S', '${city}', '${seller}', 'Seller ${seller}', ${amount}::decimal(18,4))`,
    );
    await db.run(
      `create table sale as select * from (values ${rows.join(', ')})
         t(order_id, line, order_date, country, state, city, employee_key, salesman, amount)`,
    );
  });
  after(() => db.close());
  const table = async (name: ExpectedTableName, columns: string[]): Promise<string[]> =>
    (await expectedRows(db, name)).map((row) => columns.map((column) => row[column] ?? '-').join(' '));

  it('days: equal sums share a rank and the next is skipped; the week before is exactly seven days', async () => {
    const rows = await table('city_sales_daily', [
      'business_date',
      'city',
      'sales',
      'orders',
      'rank',
      'sales_7d_before',
      'change',
    ]);
    assert.deepEqual(rows.slice(0, 6), [
      '2024-01-30 Basel 10.1000 1 1 - -',
      '2024-01-30 Bern 10.1000 1 1 - -',
      '2024-01-30 Chur 1.0000 1 3 - -',
      '2024-01-31 Basel 6.0000 1 1 - -',
      '2024-01-31 Bern 5.0000 1 2 - -',
      '2024-02-06 Bern 1.0000 1 1 10.1000 -9.1000',
    ]);
  });

  it('windows: from six days before the first sale to the day after the last, only with sales', async () => {
    const rows = await table('city_sales_sliding', ['window_start', 'window_end', 'city', 'sales', 'rank']);
    assert.equal(rows[0], '2024-01-24 2024-01-31 Basel 10.1000 1');
    assert.ok(
      rows.includes('2024-01-31 2024-02-07 Bern 6.0000 1') && rows.includes('2024-01-31 2024-02-07 Basel 6.0000 1'),
    );
    assert.equal(rows.at(-1), '2024-06-25 2024-07-02 Bern 9.0000 1');
  });

  it('salesmen: all time, by month, and who passed whom', async () => {
    assert.deepEqual(await table('salesman_live', ['employee_key', 'sales', 'orders', 'rank']), [
      '1 30.1000 5 1',
      '2 16.1000 3 2',
    ]);
    assert.deepEqual((await table('salesman_monthly', ['month', 'employee_key', 'sales', 'rank'])).slice(0, 3), [
      '2024-01-01 1 16.1000 1',
      '2024-01-01 2 16.1000 1',
      '2024-02-01 1 1.0000 1',
    ]);
    // On the 31st seller 1 only comes level: that is no overtake.
    assert.deepEqual(await table('salesman_overtakes', ['day', 'winner_key']), []);
  });

  it('performance: share, growth to the quarter before, percentile, forecast from the third quarter on', async () => {
    assert.deepEqual(
      await table('salesman_performance', [
        'quarter',
        'employee_key',
        'sales',
        'share',
        'growth',
        'percentile',
        'forecast_next',
      ]),
      [
        '2024-01-01 1 17.1000 0.515060 - 1.000000 -',
        '2024-01-01 2 16.1000 0.484940 - 0.000000 -',
        '2024-04-01 1 4.0000 1.000000 -0.766082 0.000000 -',
        '2024-07-01 1 9.0000 1.000000 1.250000 0.000000 1.9333',
      ],
    );
  });

  it('differences are listed by key and column', async () => {
    const rows = await expectedRows(db, 'salesman_live');
    assert.deepEqual(tableDifferences('salesman_live', rows, rows), []);
    const changed = [
      { ...rows[0], sales: '30.1001' },
      { ...rows[1], employee_key: '3' },
    ] as typeof rows;
    assert.deepEqual(
      tableDifferences('salesman_live', changed, rows).map((line) => line.slice(0, 40)),
      [
        '["CH","1"] sales: 30.1001, expected 30.1',
        'missing {"country":"CH","employee_key":"',
        'not expected {"country":"CH","employee_k',
      ],
    );
  });
});
