/** The demo's answers, read from the curated tables: top cities, top salesmen, and a checksum of every table. */
import type { Pool } from '../../infra/postgres/pool.js';

export interface TopCity {
  city: string;
  state: string;
  country: string;
  sales: string;
  orders: string;
}

export interface TopSalesman {
  country: string;
  salesman: string;
  employee_key: string;
  sales: string;
}

export async function topCities(pool: Pool, limit = 10): Promise<TopCity[]> {
  const { rows } = await pool.query<TopCity>(
    `select city, state, country, sum(sales)::numeric(18,4)::text as sales, sum(orders)::text as orders
     from curated.city_sales_daily group by country, state, city order by sum(sales) desc, country, state, city limit $1`,
    [limit],
  );
  return rows;
}

export async function topSalesmen(pool: Pool): Promise<TopSalesman[]> {
  const { rows } = await pool.query<TopSalesman>(
    `select country, salesman, employee_key, sales::text from curated.salesman_live where rank = 1 order by country, employee_key`,
  );
  return rows;
}
