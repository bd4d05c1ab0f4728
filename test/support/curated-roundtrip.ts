/** Child process of the round-trip test: loads and publishes awkward values under the TZ it was started with, prints what it reads. */
import { createPool } from '../../infra/postgres/pool.js';
import type { CuratedTable } from '../../workflows/contracts/curated.js';
import { activitiesFor, claim, runFor, stage } from './curated-run.js';
import { MemoryObjects } from './submission.js';

const TABLE: CuratedTable = {
  table: `roundtrip_${(process.env['TZ'] ?? 'utc').toLowerCase().replace(/[^a-z]/g, '_')}`,
  output: 'roundtrip',
  columns: {
    day: 'date',
    order_id: 'bigint',
    amount: 'numeric(18,2)',
    at: 'timestamptz',
    local_at: 'timestamp',
    note: 'text',
    flag: 'boolean',
    ratio: 'double',
    doc: 'jsonb',
    small: 'int',
  },
  key: ['day', 'order_id'],
  partitionColumn: 'day',
  grain: 'day',
};

const columns = (day: string, id: string, amount: string, note: string): string =>
  `select date '${day}' as day, ${id}::bigint as order_id, ${amount}::decimal(18,2) as amount,
     timestamptz '2026-03-01 00:00:00.123456+00' as at, timestamp '2026-03-01 23:59:59.999999' as local_at,
     ${note} as note, true as flag, 0.1::double as ratio, '{"a":1}' as doc, 7::int as small`;

const pool = createPool({
  connectionString: process.env['DATABASE_URL'] as string,
  applicationName: 'roundtrip',
  max: 2,
});
const run = runFor('2026-03-01', '2026-03-03');
await claim(pool, run, 1);
const input = await stage(
  pool,
  run,
  [
    columns('2026-03-01', '9007199254740993', "'12345678901234.57'", String.raw`'a"b' || chr(10) || ',\N'`),
    `${columns('2026-03-01', '1', "'-0.01'", "''")} union all ${columns('2026-03-01', '2', "'0'", 'null')}
       union all ${columns('2026-03-01', '3', "'1'", String.raw`'\N'`)} union all ${columns('2026-03-01', '4', "'1'", String.raw`'\.'`)}`,
    `${columns('2026-03-02', 'i', "'0.10'", "'x'")} from range(${Number(process.argv[2])}) t(i)`,
  ],
  { table: TABLE },
);
await activitiesFor(pool, new MemoryObjects()).publishTable(input);
const { rows } = await pool.query(
  `select * from curated.${TABLE.table} where day = '2026-03-01' order by order_id desc`,
);
const { rows: sums } = await pool.query<{ sum: string }>(
  `select sum(amount) from curated.${TABLE.table} where day = '2026-03-02'`,
);
process.stdout.write(JSON.stringify({ rows, sum: sums[0]?.sum, offset: new Date(2026, 2, 1).getTimezoneOffset() }));
await pool.end();
