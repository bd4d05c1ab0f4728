/** Compares two engines' answers for the same range, key by key and to the last decimal. */
import { isRetryablePg, toStoreError, type Pool, type PoolClient } from '../../infra/postgres/pool.js';
import { quoteName } from '../../infra/postgres/curated-types.js';
import { checkName, type CheckOf } from '../../pipelines/checks.js';
import type { CompareSample, CompareTablesResult } from '../../workflows/contracts/curated.js';
import { failed } from './judge.js';
import { MAX_SAMPLES } from './special.js';
import { readOnly, typedLiteral, withDays } from './sql.js';

type Range = { from: string; to: string };
type Reconcile = CheckOf<'reconcile'>;
type Counts = Pick<CompareTablesResult, 'leftRows' | 'rightRows' | 'agree' | 'differ' | 'onlyLeft' | 'onlyRight'>;

const NOTHING: Counts = { leftRows: 0, rightRows: 0, agree: 0, differ: 0, onlyLeft: 0, onlyRight: 0 };
/** OIDs of the number types; only their differences have a size. */
const NUMBER_TYPES = new Set([20, 21, 23, 700, 701, 1700]);
const UNDEFINED_TABLE = '42P01';

/** A side without rows, or without a table yet, is `empty`: not compared is never a pass. */
export async function compareTables(pool: Pool, check: Reconcile, range: Range): Promise<CompareTablesResult> {
  const head = { name: checkName(check), severity: check.severity, ...range };
  try {
    const { counts, samples } = await readOnly(pool, (client) => compare(client, check, range));
    const wrong = counts.differ + counts.onlyLeft + counts.onlyRight;
    if (counts.leftRows === 0 || counts.rightRows === 0) {
      const side = counts.leftRows === 0 ? 'left' : 'right';
      return {
        ...head,
        ...counts,
        verdict: 'empty',
        samples: [],
        message: `not compared: the ${side} side has no rows`,
      };
    }
    return { ...head, ...counts, verdict: wrong === 0 ? 'pass' : failed(check.severity), samples };
  } catch (error) {
    if (isRetryablePg(error) || toStoreError(error).code === 'STORE_UNREACHABLE') throw toStoreError(error);
    const missing = (error as { code?: string }).code === UNDEFINED_TABLE;
    const message = (error as Error).message;
    return {
      ...head,
      ...NOTHING,
      verdict: missing ? 'empty' : 'error',
      samples: [],
      message: missing ? `not compared: ${message}` : message,
    };
  }
}

function sideSql(check: Reconcile, side: 'left' | 'right', range: Range): string {
  const sql = side === 'left' ? check.leftSql : check.rightSql;
  if (sql !== undefined) return withDays(sql, range);
  const table = quoteName(String(side === 'left' ? check.left : check.right));
  const day = check.dayColumn === undefined ? undefined : quoteName(check.dayColumn);
  const limits = day === undefined ? '' : ` where ${day} >= :partition_from and ${day} < :partition_to`;
  return withDays(`select * from curated.${table}${limits}`, range);
}

/** Full join of both sides; `_n` > 1 marks a key that a side has twice, which can agree with nothing. */
function joinSql(check: Reconcile, range: Range, numbers: ReadonlySet<string>): string {
  const keys = check.keys.map(quoteName);
  const values = check.values.map(quoteName);
  const side = (sql: string): string =>
    `select ${[...keys, ...values].join(', ')}, count(*) over (partition by ${keys.join(', ')}) as _n from (${sql}\n) q`;
  const same = check.values.map((value) =>
    sameValue(quoteName(value), numbers.has(value), String(check.tolerance ?? 0)),
  );
  const sizes = check.values
    .filter((value) => numbers.has(value))
    .map((value) => `abs(coalesce(l.${quoteName(value)}, 0) - coalesce(r.${quoteName(value)}, 0))`);
  const text = (alias: string, names: readonly string[]): string =>
    `json_build_object(${names.map((name) => `'${name}', ${alias}.${quoteName(name)}::text`).join(', ')})`;
  return `
    with l as materialized (${side(sideSql(check, 'left', range))}),
         r as materialized (${side(sideSql(check, 'right', range))}),
    j as (
      select l._n as ln, r._n as rn,
        coalesce(l._n = 1 and r._n = 1 and ${same.join(' and ')}, false) as same,
        case when l._n is null then ${text('r', check.keys)} else ${text('l', check.keys)} end as key,
        case when l._n is not null then ${text('l', check.values)} end as left,
        case when r._n is not null then ${text('r', check.values)} end as right,
        ${sizes.length === 0 ? '0' : `greatest(${sizes.join(', ')})`} as size
      from l full join r on ${keys.map((key) => `l.${key} = r.${key}`).join(' and ')})`;
}

function sameValue(name: string, isNumber: boolean, tolerance: string): string {
  if (!isNumber || Number(tolerance) === 0) return `l.${name} is not distinct from r.${name}`;
  const limit = typedLiteral(tolerance, 'numeric(1,0)');
  return `(l.${name} is not distinct from r.${name} or coalesce(abs(l.${name} - r.${name}) <= ${limit}, false))`;
}

async function compare(
  client: PoolClient,
  check: Reconcile,
  range: Range,
): Promise<{ counts: Counts; samples: CompareSample[] }> {
  const names = check.values.map(quoteName).join(', ');
  const { fields } = await client.query(`select ${names} from (${sideSql(check, 'left', range)}\n) q limit 0`);
  const numbers = new Set(fields.filter((field) => NUMBER_TYPES.has(field.dataTypeID)).map((field) => field.name));
  const { rows } = await client.query<Record<keyof Counts, string> & { samples: CompareSample[] | null }>(
    `${joinSql(check, range, numbers)},
     worst as (select key, "left", "right" from j where not same order by size desc, key::text limit ${MAX_SAMPLES})
     select (select count(*) from l) as "leftRows", (select count(*) from r) as "rightRows",
       count(*) filter (where same) as agree,
       count(*) filter (where not same and ln is not null and rn is not null) as differ,
       count(*) filter (where rn is null) as "onlyLeft",
       count(*) filter (where ln is null) as "onlyRight",
       (select json_agg(json_build_object('key', key, 'left', "left", 'right', "right")) from worst) as samples
     from j`,
  );
  const row = rows[0];
  if (!row) return { counts: NOTHING, samples: [] };
  const { samples, ...counts } = row;
  return {
    counts: Object.fromEntries(
      Object.entries(counts).map(([name, value]) => [name, Number(value)]),
    ) as unknown as Counts,
    samples: samples ?? [],
  };
}
