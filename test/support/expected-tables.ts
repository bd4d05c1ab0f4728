/**
 * An independent recomputation of all curated tables: plain SQL over the canonical sales, written from the definitions of
 * the tables and from nothing else, so that three engines can be compared with it row by row.
 */
import type { SourceDatabase } from '../../activities/source/database.js';

export interface ExpectedTable {
  key: readonly string[];
  /** Column name to SQL type, in the order of the table. */
  columns: Readonly<Record<string, string>>;
  sql: string;
  /** Columns that come from floating point, with the largest difference that is allowed. */
  tolerance?: Readonly<Record<string, number>>;
}

const CITY_DAY = `
  select order_date as business_date, country, state, city,
    sum(amount) as sales, count(distinct order_id) as orders
  from sale group by order_date, country, state, city`;

/** numerator / denominator with six decimals, half away from zero, in whole numbers: no float decides a digit. */
function ratio6(numerator: string, denominator: string): string {
  const top = `cast(${numerator} as hugeint)`;
  const bottom = `cast(${denominator} as hugeint)`;
  return `cast(sign(${top}) * ((abs(${top}) * 2000000 + ${bottom}) // (2 * ${bottom})) as decimal(38,6)) / 1000000`;
}

/** An amount in units of its last decimal. */
const units = (amount: string): string => `(${amount} * 10000)`;

const QUARTERS = `
  select date_trunc('quarter', order_date)::date as quarter, country, employee_key, max(salesman) as salesman,
    sum(amount) as sales
  from sale group by all`;

export const EXPECTED_TABLES = {
  city_sales_live: {
    key: ['business_date', 'country', 'state', 'city'],
    columns: {
      business_date: 'date',
      country: 'text',
      state: 'text',
      city: 'text',
      sales: 'numeric(18,4)',
      orders: 'bigint',
    },
    sql: CITY_DAY,
  },
  city_sales_daily: {
    key: ['business_date', 'country', 'state', 'city'],
    columns: {
      business_date: 'date',
      country: 'text',
      state: 'text',
      city: 'text',
      sales: 'numeric(18,4)',
      orders: 'bigint',
      rank: 'bigint',
      sales_7d_before: 'numeric(18,4)',
      change: 'numeric(18,4)',
    },
    sql: `
      with d as (${CITY_DAY})
      select d.*, (select count(*) + 1 from d o where o.business_date = d.business_date and o.sales > d.sales) as rank,
        b.sales as sales_7d_before, d.sales - b.sales as change
      from d left join d b
        on b.business_date = d.business_date - 7 and b.country = d.country and b.state = d.state and b.city = d.city`,
  },
  city_sales_sliding: {
    key: ['window_start', 'window_end', 'country', 'state', 'city'],
    columns: {
      window_start: 'date',
      window_end: 'date',
      country: 'text',
      state: 'text',
      city: 'text',
      sales: 'numeric(18,4)',
      rank: 'bigint',
    },
    sql: `
      with w as (
        select order_date - back as window_start, order_date - back + 7 as window_end, country, state, city,
          sum(amount) as sales
        from sale, (select unnest(range(7))::integer as back)
        where order_date - back + 7 <= (select max(order_date) + 1 from sale)
        group by all)
      select w.*, rank() over (partition by window_start order by sales desc) as rank from w`,
  },
  salesman_live: {
    key: ['country', 'employee_key'],
    columns: {
      country: 'text',
      employee_key: 'text',
      salesman: 'text',
      sales: 'numeric(18,4)',
      orders: 'bigint',
      rank: 'bigint',
    },
    sql: `
      with s as (
        select country, employee_key, max(salesman) as salesman, sum(amount) as sales,
          count(distinct order_id) as orders
        from sale group by country, employee_key)
      select s.*, rank() over (partition by country order by sales desc) as rank from s`,
  },
  salesman_monthly: {
    key: ['month', 'country', 'employee_key'],
    columns: {
      month: 'date',
      country: 'text',
      employee_key: 'text',
      salesman: 'text',
      sales: 'numeric(18,4)',
      rank: 'bigint',
    },
    sql: `
      with m as (
        select date_trunc('month', order_date)::date as month, country, employee_key, max(salesman) as salesman,
          sum(amount) as sales
        from sale group by all)
      select m.*, rank() over (partition by month, country order by sales desc) as rank from m`,
  },
  salesman_overtakes: {
    key: ['country', 'day', 'winner_key', 'loser_key'],
    columns: {
      country: 'text',
      day: 'date',
      winner_key: 'text',
      loser_key: 'text',
      winner_sales: 'numeric(18,4)',
      loser_sales: 'numeric(18,4)',
    },
    sql: `
      with daily as (
        select country, employee_key, order_date as day, date_trunc('month', order_date)::date as month,
          sum(amount) as sales
        from sale group by all),
      -- Every salesman of the month at the end of every day of the month on which anyone in the country sold.
      days as (select distinct country, month, day from daily),
      people as (select distinct country, month, employee_key from daily),
      standing as (
        select d.country, d.month, d.day, p.employee_key,
          sum(s.sales) filter (where s.day <= d.day) as now_sales,
          sum(s.sales) filter (where s.day < d.day) as before_sales
        from days d
        join people p on p.country = d.country and p.month = d.month
        join daily s on s.country = p.country and s.month = p.month and s.employee_key = p.employee_key
        group by all)
      select w.country, w.day, w.employee_key as winner_key, l.employee_key as loser_key,
        w.now_sales as winner_sales, l.now_sales as loser_sales
      from standing w join standing l
        on l.country = w.country and l.day = w.day and l.employee_key <> w.employee_key
      where w.before_sales is not null and l.before_sales is not null
        and l.before_sales >= w.before_sales and w.now_sales > l.now_sales`,
  },
  salesman_performance: {
    key: ['quarter', 'country', 'employee_key'],
    columns: {
      quarter: 'date',
      country: 'text',
      employee_key: 'text',
      salesman: 'text',
      sales: 'numeric(18,4)',
      share: 'numeric(9,6)',
      growth: 'numeric(18,6)',
      percentile: 'numeric(9,6)',
      forecast_next: 'numeric(18,4)',
    },
    tolerance: { forecast_next: 0.01 },
    sql: `
      with q as (${QUARTERS}),
      country_quarter as (select quarter, country, sum(sales) as sales, count(*) as people from q group by all),
      points as (
        select *, (year(quarter) * 4 + quarter(quarter)) - 8000 as x, cast(sales as double) as y from q),
      trend as (
        select quarter, country, employee_key, x, count(*) over past as n,
          sum(x) over past as sx, sum(y) over past as sy, sum(x * y) over past as sxy, sum(x * x) over past as sxx
        from points
        window past as (partition by country, employee_key order by quarter rows unbounded preceding)),
      forecast as (
        select quarter, country, employee_key,
          case when n >= 3 then
            (sy - (n * sxy - sx * sy) / (n * sxx - sx * sx) * sx) / n
              + (n * sxy - sx * sy) / (n * sxx - sx * sx) * (x + 1)
          end as forecast_next
        from trend)
      select q.quarter, q.country, q.employee_key, q.salesman, q.sales,
        ${ratio6(units('q.sales'), units('c.sales'))} as share,
        case when b.sales is not null then ${ratio6(`${units('q.sales')} - ${units('b.sales')}`, units('b.sales'))} end
          as growth,
        case when c.people = 1 then 0 else
          ${ratio6('(select count(*) from q o where o.quarter = q.quarter and o.country = q.country and o.sales < q.sales)', 'c.people - 1')}
        end as percentile,
        f.forecast_next
      from q
      join country_quarter c using (quarter, country)
      join forecast f using (quarter, country, employee_key)
      left join q b on b.country = q.country and b.employee_key = q.employee_key
        and b.quarter = (q.quarter - interval 3 month)::date`,
  },
} as const satisfies Record<string, ExpectedTable>;

export type ExpectedTableName = keyof typeof EXPECTED_TABLES;
export type TextRow = Record<string, string | null>;

function duckType(type: string): string {
  return type === 'text' ? 'varchar' : type.replace(/^numeric/, 'decimal');
}

/** Rows of a table as text, as Postgres shows them with `::text`; the database holds the canonical sales as `sale`. */
export function expectedRows(db: SourceDatabase, table: ExpectedTableName): Promise<TextRow[]> {
  const { columns, key, sql }: ExpectedTable = EXPECTED_TABLES[table];
  const list = Object.entries(columns).map(
    ([name, type]) => `cast(cast("${name}" as ${duckType(type)}) as varchar) as "${name}"`,
  );
  return db.rows(`select ${list.join(', ')} from (${sql}) order by ${key.map((name) => `"${name}"`).join(', ')}`);
}

function sameValue(left: string | null, right: string | null, tolerance: number | undefined): boolean {
  if (left === right) return true;
  if (left === null || right === null || tolerance === undefined) return false;
  return Math.abs(Number(left) - Number(right)) <= tolerance;
}

/** What differs between a table and its recomputation, at most `limit` lines; empty when they agree. */
export function tableDifferences(
  table: ExpectedTableName,
  actual: readonly TextRow[],
  expected: readonly TextRow[],
  limit = 20,
): string[] {
  const { columns, key, tolerance }: ExpectedTable = EXPECTED_TABLES[table];
  const keyOf = (row: TextRow): string => JSON.stringify(key.map((name) => row[name]));
  const byKey = new Map(actual.map((row) => [keyOf(row), row]));
  const found: string[] = [];
  if (byKey.size !== actual.length) found.push(`${actual.length - byKey.size} rows repeat a key`);
  for (const want of expected) {
    const have = byKey.get(keyOf(want));
    byKey.delete(keyOf(want));
    if (!have) found.push(`missing ${JSON.stringify(want)}`);
    else {
      for (const column of Object.keys(columns)) {
        if (sameValue(have[column] ?? null, want[column] ?? null, tolerance?.[column])) continue;
        found.push(`${keyOf(want)} ${column}: ${have[column]}, expected ${want[column]}`);
      }
    }
  }
  for (const row of byKey.values()) found.push(`not expected ${JSON.stringify(row)}`);
  return found.length > limit ? [...found.slice(0, limit), `… ${found.length - limit} more`] : found;
}
