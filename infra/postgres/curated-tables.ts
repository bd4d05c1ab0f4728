/** Creates curated tables from their declaration and refuses to touch one that differs from it. */
import { SluiceError } from '../errors.js';
import { inTransaction, toStoreError, type Pool, type PoolClient } from './pool.js';
import { postgresType, quoteName } from './curated-types.js';

export interface CuratedTableSpec {
  table: string;
  /** Column name to declared type, in the order of the table. */
  columns: Record<string, string>;
  key: readonly string[];
  /** Gets an index of its own unless it leads the key. */
  partitionColumn?: string;
}

/** One line per column and one for the key; two tables are the same when these are. */
export function describeSpec(spec: CuratedTableSpec): string[] {
  for (const column of [...spec.key, ...(spec.partitionColumn === undefined ? [] : [spec.partitionColumn])]) {
    if (!Object.hasOwn(spec.columns, column)) {
      throw new SluiceError('CONFIG_INVALID', `curated.${spec.table}: "${column}" is not among its columns`);
    }
  }
  if (spec.key.length === 0) throw new SluiceError('CONFIG_INVALID', `curated.${spec.table} has no key`);
  const lines = Object.entries(spec.columns).map(
    ([name, type]) => `${name} ${postgresType(type)}${spec.key.includes(name) ? ' not null' : ''}`,
  );
  return [...lines, `primary key (${spec.key.join(', ')})`];
}

async function describeExisting(client: PoolClient, table: string): Promise<string[]> {
  const { rows: columns } = await client.query<{ line: string }>(
    `select a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end as line
     from pg_attribute a
     where a.attrelid = to_regclass('curated.' || quote_ident($1)) and a.attnum > 0 and not a.attisdropped
     order by a.attnum`,
    [table],
  );
  if (columns.length === 0) return [];
  const { rows: keys } = await client.query<{ columns: string }>(
    `select string_agg(a.attname, ', ' order by k.n) as columns
     from pg_index i
     cross join unnest(i.indkey::int[]) with ordinality k(attnum, n)
     join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
     where i.indrelid = to_regclass('curated.' || quote_ident($1)) and i.indisprimary
     group by i.indexrelid`,
    [table],
  );
  return [...columns.map((row) => row.line), `primary key (${keys[0]?.columns ?? ''})`];
}

function difference(declared: readonly string[], existing: readonly string[]): string {
  const missing = declared.filter((line) => !existing.includes(line)).map((line) => `+ ${line}`);
  const extra = existing.filter((line) => !declared.includes(line)).map((line) => `- ${line}`);
  const lines = [...missing, ...extra];
  return lines.length > 0 ? lines.join('; ') : `order of columns: declared ${declared.join(', ')}`;
}

/** Creates `curated.<table>` if it is not there. Safe to call at once from many processes. */
export async function ensureCuratedTable(pool: Pool, spec: CuratedTableSpec): Promise<void> {
  const declared = describeSpec(spec);
  const name = `curated.${quoteName(spec.table)}`;
  try {
    await inTransaction(pool, async (client) => {
      await client.query(`select pg_advisory_xact_lock(hashtextextended('curated-ddl.' || $1, 0))`, [spec.table]);
      const existing = await describeExisting(client, spec.table);
      if (existing.length === 0) {
        const key = `primary key (${spec.key.map(quoteName).join(', ')})`;
        const columns = Object.entries(spec.columns).map(
          ([column, type]) => `${quoteName(column)} ${postgresType(type)}`,
        );
        await client.query(`create table ${name} (${[...columns, key].join(', ')})`);
        if (spec.partitionColumn !== undefined && spec.partitionColumn !== spec.key[0]) {
          await client.query(`create index on ${name} (${quoteName(spec.partitionColumn)})`);
        }
      } else if (existing.join('\n') !== declared.join('\n')) {
        throw new SluiceError(
          'STORE_REJECTED',
          `curated.${spec.table} exists and differs from its declaration (+ declared, - existing): ` +
            `${difference(declared, existing)}. Migrate the table or drop it.`,
          { details: { table: spec.table, declared, existing } },
        );
      }
    });
  } catch (error) {
    throw toStoreError(error);
  }
}
