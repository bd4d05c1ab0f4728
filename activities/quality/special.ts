/** The checks that one row cannot answer: duplicates, own queries, row counts and sums. Each adds bad rows to the scan's counts. */
import { quoteName } from '../../infra/postgres/curated-types.js';
import type { Pool, PoolClient } from '../../infra/postgres/pool.js';
import { SluiceError } from '../../infra/errors.js';
import type { CheckOf } from '../../pipelines/checks.js';
import type { CheckSample } from '../../workflows/contracts/curated.js';
import type { CompiledCheck } from './compile.js';
import { withinTolerance } from './decimal.js';
import type { ScanCounts } from './scan.js';
import { readOnly } from './sql.js';

export const MAX_SAMPLES = 20;

/** What a special check found: counts by partition and, where it knows them, its samples. */
export interface Finding {
  counts: Map<string, ScanCounts>;
  badKinds?: number;
  samples?: CheckSample[];
  /** By partition: a reason in words. */
  messages?: Map<string, string>;
}

export async function findSpecial(
  pool: Pool,
  stagingTable: string,
  { check, rows }: CompiledCheck,
  scanned: Map<string, ScanCounts>,
): Promise<Finding> {
  const table = `staging.${quoteName(stagingTable)}`;
  switch (check.type) {
    case 'unique':
      return readOnly(pool, (client) => findDuplicates(client, table, check, rows.where, rows.sample, scanned));
    case 'sql':
      return check.query === undefined
        ? { counts: scanned }
        : readOnly(pool, (client) => runQuery(client, String(check.query).replaceAll('{table}', table), scanned));
    case 'row_count':
      return countRows(check, scanned);
    case 'sum_matches':
      return compareSums(check, scanned, await expectedSums(pool, check));
    case 'not_null':
    case 'accepted_values':
    case 'range':
    case 'length':
    case 'regex':
      return { counts: scanned };
  }
}

const withBad = (scanned: Map<string, ScanCounts>, bad: Map<string, number>): Map<string, ScanCounts> =>
  new Map([...scanned].map(([partition, counts]) => [partition, { ...counts, bad: bad.get(partition) ?? 0 }]));

/** Every row of a duplicated key is bad; keys with a null are not compared, as in a unique index. */
async function findDuplicates(
  client: PoolClient,
  table: string,
  check: CheckOf<'unique'>,
  where: string,
  sample: string,
  scanned: Map<string, ScanCounts>,
): Promise<Finding> {
  const keys = check.columns.map(quoteName);
  const complete = `${where} and ${keys.map((key) => `${key} is not null`).join(' and ')}`;
  const duplicated = `select ${keys.join(', ')} from ${table} where ${complete} group by ${keys.join(', ')} having count(*) > 1`;
  const { rows } = await client.query<{ partition: string; bad: string }>(
    `select _partition as partition, count(*) as bad
     from ${table} join (${duplicated}) d using (${keys.join(', ')}) where ${where} group by _partition`,
  );
  const counts = withBad(scanned, new Map(rows.map((row) => [row.partition, Number(row.bad)])));
  if (rows.length === 0) return { counts, badKinds: 0, samples: [] };
  const { rows: worstKeys } = await client.query<{ value: string; n: string; kinds: string }>(
    `select ${sample} as value, count(*) as n, count(*) over () as kinds from ${table} where ${complete}
     group by ${keys.join(', ')} having count(*) > 1 order by n desc, value limit ${MAX_SAMPLES}`,
  );
  return {
    counts,
    badKinds: Number(worstKeys[0]?.kinds ?? 0),
    samples: worstKeys.map((row) => ({ value: row.value, count: Number(row.n) })),
  };
}

/** Rows without a column `partition` speak about all partitions at once. */
async function runQuery(client: PoolClient, query: string, scanned: Map<string, ScanCounts>): Promise<Finding> {
  const { fields } = await client.query(`select * from (${query}\n) q limit 0`);
  const byPartition = fields.some((field) => field.name === 'partition');
  const { rows } = await client.query<{ partition: string | null; bad: string }>(
    `select ${byPartition ? 'partition::date' : 'null::date'} as partition, count(*) as bad from (${query}\n) q group by 1`,
  );
  const everywhere = rows.find((row) => row.partition === null)?.bad;
  const bad = new Map(rows.map((row) => [String(row.partition), Number(row.bad)]));
  const counts = new Map(
    [...scanned].map(([partition, count]) => {
      const found = (bad.get(partition) ?? 0) + Number(everywhere ?? 0);
      return [partition, { ...count, bad: Math.min(found, count.rows) }];
    }),
  );
  if (rows.length === 0) return { counts, badKinds: 0, samples: [] };
  const { rows: samples } = await client.query<{ value: string; n: string; kinds: string }>(
    `select row_to_json(q)::text as value, count(*) as n, count(*) over () as kinds
     from (${query}\n) q group by 1 order by n desc, value limit ${MAX_SAMPLES}`,
  );
  return {
    counts,
    badKinds: Number(samples[0]?.kinds ?? 0),
    samples: samples.map((row) => ({ value: row.value, count: Number(row.n) })),
  };
}

function countRows(check: CheckOf<'row_count'>, scanned: Map<string, ScanCounts>): Finding {
  const messages = new Map<string, string>();
  for (const [partition, { rows }] of scanned) {
    if (check.min !== undefined && rows < check.min)
      messages.set(partition, `${rows} rows, at least ${check.min} wanted`);
    if (check.max !== undefined && rows > check.max)
      messages.set(partition, `${rows} rows, at most ${check.max} wanted`);
  }
  return { counts: scanned, messages };
}

async function expectedSums(pool: Pool, check: CheckOf<'sum_matches'>): Promise<Map<string, string> | string> {
  if (check.sql === undefined) return String(check.expected);
  const { rows } = await readOnly(pool, (client) =>
    client.query<{ partition: string; expected: string }>(
      `select partition::date as partition, expected::numeric::text as expected from (${check.sql}\n) q`,
    ),
  );
  return new Map(rows.map((row) => [row.partition, row.expected]));
}

function compareSums(
  check: CheckOf<'sum_matches'>,
  scanned: Map<string, ScanCounts>,
  expected: Map<string, string> | string,
): Finding {
  const messages = new Map<string, string>();
  for (const [partition, { sum = '0' }] of scanned) {
    const wanted = typeof expected === 'string' ? expected : expected.get(partition);
    if (wanted === undefined) {
      throw new SluiceError('INVALID_REQUEST', `the query gives no expected sum for partition ${partition}`);
    }
    if (!withinTolerance(sum, wanted, String(check.tolerance ?? 0))) {
      messages.set(partition, `sum of ${check.column} is ${sum}, expected ${wanted}`);
    }
  }
  return { counts: scanned, messages };
}
