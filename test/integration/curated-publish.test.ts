/** Publishing partitions on a real Postgres: replace not add, exactly once, one owner, never half. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createCuratedActivities } from '../../activities/curated.js';
import { curatedChecksums } from '../../infra/postgres/curated-checksums.js';
import { ensureCuratedTable } from '../../infra/postgres/curated-tables.js';
import { createPool, type Pool } from '../../infra/postgres/pool.js';
import { publishedPartitions } from '../../infra/postgres/ledger.js';
import type { CuratedTable, PublishTableInput, PublishTableResult } from '../../workflows/contracts/curated.js';
import { createTestDatabase, NO_DATABASE, type TestDatabase } from '../support/curated-database.js';
import { activitiesFor, claim, day, newKey, runFor, SALES, stage } from '../support/curated-run.js';
import { MemoryObjects } from '../support/submission.js';

const DAYS = Array.from({ length: 28 }, (_, index) => `2026-02-${String(index + 1).padStart(2, '0')}`);

describe('publish', { skip: NO_DATABASE }, () => {
  let database: TestDatabase;
  let pool: Pool;
  let failures = 0;

  before(async () => {
    database = await createTestDatabase();
    pool = database.pool;
  });
  after(() => database.close({ keep: failures > 0 }));
  beforeEach(async () => {
    failures += 1;
    await pool.query('drop table if exists curated.city_sales');
    await pool.query('truncate control.curated_ledger, control.partition_claim');
  });
  const test = (name: string, body: () => Promise<void>): void =>
    void it(name, async () => {
      await body();
      failures -= 1;
    });
  const publish = (input: PublishTableInput, through = pool) =>
    activitiesFor(through, new MemoryObjects()).publishTable(input);
  const counts = async (): Promise<string> => {
    const { rows } = await pool.query<{ n: string }>(
      'select count(*) as n from curated.city_sales group by business_date order by business_date',
    );
    return rows.map((row) => row.n).join(', ');
  };

  test('a rerun of one day replaces that day, and a reader sees the old or the new day', async () => {
    const range = runFor('2026-03-01', '2026-03-04');
    await claim(pool, range, 1);
    await publish(
      await stage(pool, range, [day('2026-03-01', 10), `${day('2026-03-02', 12)} union all ${day('2026-03-03', 9)}`]),
    );
    assert.equal(await counts(), '10, 12, 9');

    const rerun = runFor('2026-03-02', '2026-03-03');
    await claim(pool, rerun, 2);
    const input = await stage(pool, rerun, [day('2026-03-02', 8)], { fence: 2 });
    const seen = new Set<string>();
    let reading = true;
    const reader = (async () => {
      while (reading) {
        const { rows } = await pool.query<{ n: string }>('select count(*) as n from curated.city_sales');
        seen.add(String(rows[0]?.n));
      }
    })();
    const result = await publish(input);
    reading = false;
    await reader;
    assert.deepEqual([result.published, result.rows, result.first], [1, 8, '2026-03-02']);
    assert.equal(await counts(), '10, 8, 9');
    assert.deepEqual(
      [...seen].filter((total) => total !== '31' && total !== '27'),
      [],
    );
  });

  test('the same range three times gives the same checksum, however the rows are ordered', async () => {
    const checksums: string[] = [];
    for (const order of ['i', 'i desc', 'hash(i)']) {
      const run = runFor('2026-02-01', '2026-03-01');
      await claim(pool, run, 1);
      const rows = DAYS.map((date) => `select * from (${day(date, 40, 'i + 0.1234')} order by ${order})`);
      await publish(await stage(pool, run, rows));
      checksums.push(JSON.stringify((await curatedChecksums(pool))['city_sales']));
    }
    assert.equal(new Set(checksums).size, 1);
    assert.match(checksums[0] as string, /"rows":1120/);
    const ledger = await publishedPartitions(pool, 'city_sales', '2026-02-01', '2026-03-01');
    assert.deepEqual(new Set(ledger.map((entry) => entry.version)), new Set([3]));
    assert.equal(new Set(ledger.map((entry) => entry.checksum)).size, 28);
  });

  test('a publisher whose connection is killed in the middle ends exactly once after the retry', async () => {
    const run = runFor('2026-02-01', '2026-03-01');
    await claim(pool, run, 1);
    const input = await stage(
      pool,
      run,
      DAYS.map((date) => day(date, 5)),
    );
    const victim = createPool({ connectionString: database.url, applicationName: 'victim', max: 1 });
    let kills = 0;
    const activities = activitiesFor(victim, new MemoryObjects(), () => {
      kills += 1;
      if (kills % 7 === 0) {
        void pool.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'`);
      }
    });
    const attempts: unknown[] = [];
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const result = await activities.publishTable(input).catch((error: unknown) => error);
      attempts.push(result);
      if (!(result instanceof Error)) break;
    }
    await victim.end();
    assert.ok(kills >= 28);
    const last = attempts.at(-1) as { published: number; rows: number };
    assert.deepEqual([last.published, last.rows], [28, 140]);
    assert.equal(await counts(), DAYS.map(() => '5').join(', '));
    const { rows } = await pool.query('select 1 from control.curated_ledger');
    assert.equal(rows.length, 28);
    // The finished publish again: nothing is written, the answer is the same.
    assert.deepEqual(await publish(input), last);
  });

  test('a transaction killed after its inserts leaves the old day', async () => {
    const first = runFor('2026-02-01', '2026-02-02');
    await claim(pool, first, 1);
    await publish(await stage(pool, first, [day('2026-02-01', 3)]));
    const again = runFor('2026-02-01', '2026-02-02');
    await claim(pool, again, 2);
    const input = await stage(pool, again, [day('2026-02-01', 4)], { fence: 2 });
    const victim = createPool({ connectionString: database.url, applicationName: 'victim', max: 1 });
    // The ledger insert, last in the transaction, waits behind this lock; rows are already replaced inside.
    const blocker = await pool.connect();
    await blocker.query('begin; lock table control.curated_ledger in exclusive mode');
    const outcome = publish(input, victim).catch((error: unknown) => error);
    await until(async () => {
      const { rows } = await pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'victim' and wait_event_type = 'Lock' and query like '%publish_partition%'`,
      );
      return rows.length > 0;
    });
    assert.equal(await counts(), '3');
    await blocker.query('rollback');
    blocker.release();
    await outcome;
    assert.deepEqual((await publish(input)).rows, 4);
    assert.equal(await counts(), '4');
    await victim.end();
  });

  test('of two publishers the one with the lower fence loses, changes nothing and lists its days', async () => {
    const run = runFor('2026-02-01', '2026-02-04');
    await claim(pool, run, 7);
    const rows = DAYS.slice(0, 3).map((date) => day(date, 5));
    const slow = await stage(pool, run, rows, { fence: 7 });
    const taker = runFor('2026-02-02', '2026-02-04');
    const won = await stage(
      pool,
      taker,
      DAYS.slice(1, 3).map((date) => day(date, 2)),
      { fence: 8 },
    );
    await claim(pool, taker, 8);
    await publish(won);
    const error = await publish(slow).catch((caught: unknown) => caught);
    assert.equal((error as { code?: string }).code, 'STORE_CONFLICT');
    assert.deepEqual((error as { details: Record<string, unknown> }).details, {
      table: 'city_sales',
      published: '2026-02-01',
      publishedCount: 1,
      lost: '2026-02-02..2026-02-03',
      lostCount: 2,
    });
    assert.equal(await counts(), '5, 2, 2');
  });

  test('the same owner with an old fence loses, and so does one whose claim was released', async () => {
    const run = runFor('2026-02-01', '2026-02-02');
    await claim(pool, run, 3);
    const old = await stage(pool, run, [day('2026-02-01', 5)], { fence: 2 });
    await assert.rejects(publish(old), { code: 'STORE_CONFLICT' });
    const current = await stage(pool, run, [day('2026-02-01', 5)], { fence: 3 });
    await pool.query('update control.partition_claim set held = false');
    await assert.rejects(publish(current), { code: 'STORE_CONFLICT' });
    const { rows } = await pool.query('select 1 from control.curated_ledger');
    assert.equal(rows.length, 0);
  });

  test('an empty day in a range is recorded and keeps what was published; a single empty day fails', async () => {
    const range = runFor('2026-02-01', '2026-02-04');
    await claim(pool, range, 1);
    await publish(
      await stage(
        pool,
        range,
        DAYS.slice(0, 3).map((date) => day(date, 3)),
      ),
    );
    const again = runFor('2026-02-01', '2026-02-04');
    await claim(pool, again, 2);
    const result = await publish(await stage(pool, again, [day('2026-02-01', 4), day('2026-02-03', 4)], { fence: 2 }));
    assert.deepEqual([result.published, result.empty, result.rows], [2, 1, 8]);
    assert.equal(await counts(), '4, 3, 4');

    const single = runFor('2026-02-02', '2026-02-03');
    await claim(pool, single, 3);
    const empty = await stage(pool, single, [`${day('2026-02-02', 0)}`], { fence: 3 });
    await assert.rejects(publish(empty), { code: 'EMPTY_PARTITION' });
    assert.equal(await counts(), '4, 3, 4');
    assert.equal((await publish({ ...empty, onEmpty: 'warn' })).empty, 1);
    assert.equal(await counts(), '4, 3, 4');

    const allowed = await stage(pool, single, [], { fence: 3 });
    assert.equal((await publish({ ...allowed, onEmpty: 'allow' })).empty, 1);
    assert.equal(await counts(), '4, 4');
  });

  test('a held day is skipped and listed, the others go through', async () => {
    const run = runFor('2026-02-01', '2026-02-04');
    await claim(pool, run, 1);
    const input = await stage(
      pool,
      run,
      DAYS.slice(0, 3).map((date) => day(date, 3)),
    );
    const held = [{ partition: '2026-02-02', checks: ['range(sales)'] }];
    const result = await publish({ ...input, held, verdicts: { '2026-02-01': 'warn' } });
    assert.deepEqual([result.published, result.held], [2, held]);
    const { rows } = await pool.query('select partition, verdict from control.curated_ledger order by 1');
    assert.deepEqual(rows, [
      { partition: '2026-02-01', verdict: 'warn' },
      { partition: '2026-02-03', verdict: 'pass' },
    ]);
  });

  test('inside Temporal it heartbeats each day and a cancelled attempt ends as cancelled between two days', async () => {
    const run = runFor('2026-02-01', '2026-03-01');
    await claim(pool, run, 1);
    const input = await stage(
      pool,
      run,
      DAYS.map((date) => day(date, 2)),
    );
    const activities = createCuratedActivities({ pool, objects: new MemoryObjects() });
    const attempt = (request: PublishTableInput) => activities.publishTable(request);
    const environment = new MockActivityEnvironment();
    const beats: unknown[] = [];
    environment.on('heartbeat', (details: unknown) => {
      beats.push(details);
      if (beats.length === 3) environment.cancel();
    });
    await assert.rejects(environment.run(attempt, input), CancelledFailure);
    assert.equal(beats[2], 'published city_sales up to 2026-02-03');
    assert.equal(await counts(), '2, 2, 2');
    const again = new MockActivityEnvironment();
    const result = await again.run<[PublishTableInput], PublishTableResult, typeof attempt>(attempt, input);
    assert.equal(result.published, 28);
  });

  test('staging that lost its rows is never published as an empty day', async () => {
    const run = runFor('2026-02-01', '2026-02-03');
    await claim(pool, run, 1);
    const input = await stage(pool, run, [day('2026-02-01', 3), day('2026-02-02', 3)]);
    await pool.query(`truncate staging.${input.stagingTable}`);
    await assert.rejects(publish(input), {
      code: 'STORE_REJECTED',
      details: { stagingLost: true, stagingTable: input.stagingTable },
    });
    await activitiesFor(pool, new MemoryObjects()).dropStaging({ stagingTable: input.stagingTable });
    await assert.rejects(publish(input), { code: 'STORE_REJECTED' });
    const { rows } = await pool.query('select 1 from control.curated_ledger');
    assert.equal(rows.length, 0);
  });

  const QUARTERS: CuratedTable = {
    table: 'city_sales',
    output: 'city_sales',
    columns: { quarter: 'date', city: 'text', sales: 'numeric(18,4)' },
    key: ['quarter', 'city'],
    partitionColumn: 'quarter',
    grain: 'quarter',
  };

  test('a day run replaces its quarter, and work that began earlier does not replace later work', async () => {
    const quarter = (count: number): string =>
      `select date '2026-01-01' as quarter, 'c' || i as city, 1.25::decimal(18,4) as sales from range(${count}) t(i)`;
    const prepared = async (key: string, at: string): Promise<string> => {
      await pool.query(
        `insert into control.engine_job (key, tag, engine, cluster, kind, pipeline, part, owner_workflow_id, owner_first_run_id,
           submission, spec, facts, lineage_run_id, state, intent_at)
         values ($1, 't', 'spark', 'spark', 'stage', 'test', 's', $1, $1, 1, '{}', '{}', gen_random_uuid(), 'succeeded', $2)`,
        [key, at],
      );
      return key;
    };
    const early = runFor('2026-02-03', '2026-02-04');
    const late = runFor('2026-02-04', '2026-02-05');
    await claim(pool, early, 1);
    await claim(pool, late, 1);
    const earlyKey = await prepared(newKey(), '2026-05-01T00:00:00Z');
    const lateKey = await prepared(newKey(), '2026-05-01T00:01:00Z');
    const older = await stage(pool, early, [quarter(3)], { table: QUARTERS, key: earlyKey });
    const newer = await stage(pool, late, [quarter(4)], { table: QUARTERS, key: lateKey });
    assert.equal((await publish(newer)).published, 1);
    assert.deepEqual(await publish(older), {
      table: 'city_sales',
      published: 0,
      rows: 0,
      empty: 0,
      superseded: 1,
      held: [],
    });
    const { rows } = await pool.query('select quarter, count(*) as n from curated.city_sales group by 1');
    assert.deepEqual(rows, [{ quarter: '2026-01-01', n: '4' }]);
  });

  test('a table that differs from its declaration is refused with the difference', async () => {
    await ensureCuratedTable(pool, SALES);
    await ensureCuratedTable(pool, SALES);
    const other = { ...SALES, columns: { ...SALES.columns, sales: 'numeric(18,2)', note: 'text' } };
    await assert.rejects(ensureCuratedTable(pool, other), (error: Error) => {
      assert.equal((error as unknown as { code: string }).code, 'STORE_REJECTED');
      assert.match(error.message, /\+ sales numeric\(18,2\); \+ note text; - sales numeric\(18,4\)/);
      return true;
    });
    await Promise.all([1, 2, 3, 4].map(() => ensureCuratedTable(pool, { ...SALES, table: 'made_at_once' })));
  });

  test('673 days are published within seconds', async () => {
    const run = runFor('2024-01-01', '2025-11-04');
    await claim(pool, run, 1);
    const input = await stage(pool, run, [
      `select d::date as business_date, 'city ' || i as city, (i + 0.5)::decimal(18,4) as sales, 1::bigint as orders
       from range(date '2024-01-01', date '2025-11-04', interval 1 day) days(d), range(23) t(i)`,
    ]);
    const begun = performance.now();
    const result = await publish(input);
    const seconds = (performance.now() - begun) / 1000;
    assert.deepEqual([result.published, result.rows], [673, 673 * 23]);
    assert.ok(seconds < 20, `took ${seconds.toFixed(1)} s`);
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('condition not met within 10 s');
  }
}
