/** The second source, AdventureWorks: every table row by row, ties, accents and cities of the same name included. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, describe, it } from 'node:test';
import { createPool } from '../../infra/postgres/pool.js';
import type { DemoReport } from '../../workers/demo/demo.js';
import { adventureWorksDir } from '../support/canonical-sales.js';
import { sluice } from '../support/cli.js';
import { compareWithExpected } from '../support/curated-against-expected.js';
import { e2eEnv, SKIP } from '../support/e2e.js';

const dataDir = adventureWorksDir();

describe(
  'demo on adventureworks',
  { skip: SKIP || (dataDir === undefined ? 'SLUICE_TEST_DATA is not set' : false) },
  () => {
    const { home, databaseUrl, reportFile } = e2eEnv();
    const pool = createPool({ connectionString: databaseUrl, applicationName: 'sluice-e2e', max: 2 });
    after(() => pool.end());

    it('says that all is well', async () => {
      const report = JSON.parse(await readFile(reportFile, 'utf8')) as DemoReport;
      assert.equal(report.ok, true, report.problems.join('\n'));
      assert.equal(report.source.lines, 57_851);
    });

    it('sums to the source total', async () => {
      const { rows } = await pool.query<{ sum: string }>(
        'select sum(sales)::text as sum from curated.city_sales_daily',
      );
      assert.equal(rows[0]?.sum, '77548570.2000');
    });

    it('has exactly the rows of the recomputation in all seven tables', async () => {
      await compareWithExpected(pool, 'adventureworks', dataDir);
    });

    it('keeps accents and tells cities of the same name apart', async () => {
      const { rows } = await pool.query<{ city: string; places: string }>(
        `select city, count(distinct (country, state)) as places from curated.city_sales_live
       where city in ('München', 'Sèvres', 'Birmingham') group by city order by city`,
      );
      const places = Object.fromEntries(rows.map((row) => [row.city, Number(row.places)]));
      assert.ok((places['München'] ?? 0) >= 1 && (places['Sèvres'] ?? 0) >= 1);
      assert.equal(places['Birmingham'], 2);
      const names = await pool.query(`select 1 from curated.salesman_live where salesman = 'josé1'`);
      assert.ok((names.rowCount ?? 0) > 0);
    });

    it('shares ranks between ties', async () => {
      const { rows } = await pool.query<{ ties: string }>(
        `select count(*) as ties from (select window_start, rank from curated.city_sales_sliding group by 1, 2 having count(*) > 1) t`,
      );
      assert.ok(Number(rows[0]?.ties) > 0);
    });

    it('refuses another source into the same state', async () => {
      const { code, stderr } = await sluice(['load', '--source', 'foodmart'], { home });
      assert.notEqual(code, 0);
      assert.match(stderr, /fresh state|--wipe/);
    });
  },
);
