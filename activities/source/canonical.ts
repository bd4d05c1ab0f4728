/** The canonical sale: a source's mapping is run, and what it gives is checked before anything is written anywhere. */
import { SluiceError } from '../../infra/errors.js';
import type { SourceSpec } from '../../pipelines/source.js';
import { identifier, type SourceDatabase } from './database.js';

/** Columns of a sale in their order, with their DuckDB types. */
export const SALE_COLUMNS = {
  order_id: 'varchar',
  line: 'integer',
  order_date: 'date',
  country: 'varchar',
  state: 'varchar',
  city: 'varchar',
  employee_key: 'varchar',
  salesman: 'varchar',
  amount: 'decimal(18,4)',
} as const;

export interface SaleSummary {
  lines: number;
  /** Days with sales. */
  days: number;
  cities: number;
  firstDay: string;
  lastDay: string;
  /** Exact, four decimals. */
  total: string;
}

/** Makes table `sale`, ordered by day, order and line, and returns what it adds up to. */
export async function mapSales(db: SourceDatabase, spec: SourceSpec): Promise<SaleSummary> {
  const mapping = spec.mappingSql.trim().replace(/;$/, '');
  const columns = Object.entries(SALE_COLUMNS).map(([name, type]) => `cast(${name} as ${type}) as ${name}`);
  try {
    await db.run(
      `create table sale as select ${columns.join(', ')} from (${mapping}\n) order by order_date, order_id, line`,
    );
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new SluiceError('INVALID_REQUEST', `mapping of source ${spec.name}: ${reason}`, { cause: error });
  }
  await checkSales(db, spec);
  const [row] = await db.rows(
    `select count(*) as lines, count(distinct order_date) as days, count(distinct (country, state, city)) as cities,
       min(order_date) as first_day, max(order_date) as last_day, sum(amount) as total from sale`,
  );
  if (!row || row['lines'] === '0') throw new SluiceError('INVALID_REQUEST', `source ${spec.name} holds no sale`);
  const summary: SaleSummary = {
    lines: Number(row['lines']),
    days: Number(row['days']),
    cities: Number(row['cities']),
    firstDay: row['first_day'] as string,
    lastDay: row['last_day'] as string,
    total: row['total'] as string,
  };
  const { expect } = spec;
  if (expect) {
    const differing = (Object.keys(summary) as (keyof SaleSummary)[]).filter((key) => summary[key] !== expect[key]);
    if (differing.length > 0) {
      const text = differing.map((key) => `${key} ${summary[key]}, expected ${expect[key]}`).join('; ');
      throw new SluiceError('STORE_REJECTED', `source ${spec.name} is not what it should be: ${text}`);
    }
  }
  return summary;
}

async function checkSales(db: SourceDatabase, spec: SourceSpec): Promise<void> {
  const fail = (what: string): never => {
    throw new SluiceError('INVALID_REQUEST', `mapping of source ${spec.name}: ${what}`);
  };
  const counts = spec.facts.map((table) => `(select count(*) from raw.${identifier(table)})`).join(' + ');
  const [lines] = await db.rows(`select (select count(*) from sale) as mapped, ${counts} as facts`);
  if (lines?.['mapped'] !== lines?.['facts']) {
    fail(
      `${lines?.['facts']} lines became ${lines?.['mapped']} sales: a key is missing or not unique in a joined table`,
    );
  }
  for (const column of Object.keys(SALE_COLUMNS)) {
    const empty = SALE_COLUMNS[column as keyof typeof SALE_COLUMNS] === 'varchar' ? ` or ${column} = ''` : '';
    const [bad] = await db.rows(
      `select count(*) as n, min(order_id) as example from sale where ${column} is null${empty} having count(*) > 0`,
    );
    if (bad) fail(`${column} is not known in ${bad['n']} sales, for example of order ${bad['example']}`);
  }
  const [twice] = await db.rows('select order_id, line from sale group by all having count(*) > 1 limit 1');
  if (twice) fail(`order ${twice['order_id']} has line ${twice['line']} twice`);
}
