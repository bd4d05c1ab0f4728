/** Counts rows, nulls and bad rows of all checks, by partition, in one aggregate scan of the staging table. */
import { quoteName } from '../../infra/postgres/curated-types.js';
import type { Pool } from '../../infra/postgres/pool.js';
import type { CompiledCheck } from './compile.js';
import type { Counts } from './judge.js';
import { readOnly } from './sql.js';

export interface ScanCounts extends Counts {
  /** Sum of the check's column as text; '0' when nothing was added up. */
  sum?: string;
}

/** Counts by partition, for each check in the order given. */
export type ScanResult = Map<string, ScanCounts>[];

/** The same condition is computed once, however many checks ask for it. */
class SelectList {
  readonly #aliases = new Map<string, string>();

  add(expression: string): string {
    const known = this.#aliases.get(expression);
    if (known !== undefined) return known;
    const alias = `a${this.#aliases.size}`;
    this.#aliases.set(expression, alias);
    return alias;
  }

  toString(): string {
    return [...this.#aliases].map(([expression, alias]) => `, ${expression} as ${alias}`).join('');
  }
}

const count = (...conditions: string[]): string => {
  const wanted = conditions.filter((condition) => condition !== 'true');
  return wanted.length === 0
    ? 'count(*)'
    : `count(*) filter (where ${wanted.map((part) => `(${part})`).join(' and ')})`;
};

interface Aliases {
  rows: string;
  nulls?: string;
  bad?: string;
  sum?: string;
}

export async function scanChecks(
  pool: Pool,
  stagingTable: string,
  checks: readonly CompiledCheck[],
): Promise<ScanResult> {
  const list = new SelectList();
  const aliases = checks.map(({ rows, sum }): Aliases => {
    const nulls = rows.isNull === 'false' ? undefined : list.add(count(rows.where, rows.isNull));
    return {
      rows: list.add(count(rows.where)),
      nulls,
      bad: rows.isBad === rows.isNull ? nulls : rows.isBad && list.add(count(rows.where, rows.isBad)),
      sum: sum && list.add(`coalesce(sum(${sum}) filter (where ${rows.where}), 0)::text`),
    };
  });
  const { rows } = await readOnly(pool, (client) =>
    client.query<Record<string, string>>(
      `select _partition as partition${list.toString()} from staging.${quoteName(stagingTable)} group by _partition order by 1`,
    ),
  );
  return aliases.map(
    (alias) =>
      new Map(
        rows.map((row): [string, ScanCounts] => [
          String(row['partition']),
          {
            rows: Number(row[alias.rows]),
            nulls: alias.nulls === undefined ? 0 : Number(row[alias.nulls]),
            bad: alias.bad === undefined ? 0 : Number(row[alias.bad]),
            ...(alias.sum === undefined ? {} : { sum: row[alias.sum] }),
          },
        ]),
      ),
  );
}
