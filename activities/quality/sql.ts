/** Small pieces of SQL text for checks: literals, day placeholders, and read-only transactions to run them in. */
import { inTransaction, type Pool, type PoolClient } from '../../infra/postgres/pool.js';
import { postgresType } from '../../infra/postgres/curated-types.js';

/** Quotes a text as a literal; backslashes stay as they are (standard_conforming_strings). */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A bound as a literal of the column's type, without precision, so that a bound is never rounded. */
export function typedLiteral(value: string | number | boolean, declaredType: string): string {
  const type = postgresType(declaredType).replace(/^numeric\(.*\)$/, 'numeric');
  return `${literal(String(value))}::${type}`;
}

/** Puts the run's days in place of `:partition_from` and `:partition_to`. */
export function withDays(sql: string, range: { from: string; to: string }): string {
  return sql.replace(/(?<!:):partition_(from|to)\b/g, (_match, side: 'from' | 'to') => `date ${literal(range[side])}`);
}

/** Declared SQL may read anything and change nothing. */
export function readOnly<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return inTransaction(pool, async (client) => {
    await client.query('set transaction read only');
    await client.query(`set local timezone = 'UTC'`);
    await client.query(`set local datestyle = 'ISO, YMD'`);
    return work(client);
  });
}
