/** What the demo left: its report, every curated table row by row against an independent recomputation, the UI's facts. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, describe, it } from 'node:test';
import { createPool } from '../../infra/postgres/pool.js';
import type { DemoReport } from '../../workers/demo/demo.js';
import { sluice } from '../support/cli.js';
import { compareWithExpected } from '../support/curated-against-expected.js';
import { e2eEnv, SKIP } from '../support/e2e.js';

describe('demo on foodmart', { skip: SKIP }, () => {
  const { home, databaseUrl, reportFile } = e2eEnv();
  const pool = createPool({ connectionString: databaseUrl, applicationName: 'sluice-e2e', max: 2 });
  after(() => pool.end());
  let report: DemoReport;

  it('prints one JSON object that says that all is well', async () => {
    report = JSON.parse(await readFile(reportFile, 'utf8')) as DemoReport;
    assert.equal(report.ok, true, report.problems.join('\n'));
    assert.deepEqual(report.problems, []);
    assert.equal(report.topCities.length, 10);
    assert.deepEqual([...new Set(report.topSalesmen.map((row) => row.country))], ['Canada', 'Mexico', 'USA']);
    for (const name of ['temporal', 'flink', 'spark', 'history'])
      assert.match(report.urls[name] ?? '', /^http:\/\/127\.0\.0\.1:/);
    assert.ok(report.steps.every(({ name, seconds }) => name.length > 0 && seconds >= 0));
  });

  it('compared the engines and found them equal', () => {
    const comparisons = Object.values(report.pipelines).flatMap((pipeline) => pipeline.comparisons);
    assert.ok(comparisons.length >= 3);
    for (const one of comparisons) {
      assert.equal(one.verdict, 'pass', one.name);
      assert.ok(one.agree > 0, one.name);
      assert.equal(one.differ + one.onlyLeft + one.onlyRight, 0, one.name);
    }
  });

  it('sums to the source total in the daily and the live table', async () => {
    for (const table of ['city_sales_daily', 'city_sales_live', 'salesman_live', 'salesman_performance']) {
      const { rows } = await pool.query<{ sum: string }>(`select sum(sales)::text as sum from curated.${table}`);
      assert.equal(rows[0]?.sum, '1764546.4400', table);
    }
  });

  it('has exactly the rows of the recomputation in all seven tables', async () => {
    await compareWithExpected(pool, 'foodmart');
  });

  it('delivered lineage with one START and one end for every batch run', async () => {
    const { rows } = await pool.query<{ open: string; doubled: string }>(
      `select count(*) filter (where ends = 0) as open, count(*) filter (where ends > 1 or starts <> 1) as doubled
       from (select run_id, count(*) filter (where event_type = 'START') as starts,
               count(*) filter (where event_type in ('COMPLETE', 'FAIL', 'ABORT')) as ends
             from control.lineage_outbox
             where event -> 'job' -> 'facets' -> 'jobType' ->> 'processingType' = 'BATCH' group by run_id) r`,
    );
    assert.deepEqual(rows[0], { open: '0', doubled: '0' });
  });

  it('reuses what runs the second time, within five minutes, and changes no checksum', async () => {
    const again = await sluice(['demo', '--json'], { home, echo: true });
    assert.equal(again.code, 0, again.stderr.slice(-2000));
    const second = JSON.parse(again.stdout) as DemoReport;
    assert.deepEqual(second.tables, report.tables);
    assert.ok(again.seconds < 300, `took ${again.seconds} s`);
    assert.match(again.stderr, /streams run already/);
  });
});
