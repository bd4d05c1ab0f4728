/** Loading a submission's files into staging: exact values, verified against the manifest, idempotent. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'node:test';
import type { LoadStagingInput } from '../../workflows/contracts/curated.js';
import { createTestDatabase, NO_DATABASE, type TestDatabase } from '../support/curated-database.js';
import { activitiesFor, day, newKey, runFor, SALES } from '../support/curated-run.js';
import { MemoryObjects, writeSubmission } from '../support/submission.js';

const run = runFor('2026-03-01', '2026-03-03');

describe('staging', { skip: NO_DATABASE }, () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.close({ keep: false }));

  const submission = async (
    queries: string[],
    key = newKey(),
  ): Promise<{ objects: MemoryObjects; input: LoadStagingInput }> => {
    const objects = new MemoryObjects();
    const manifest = await writeSubmission(objects, key, SALES.output, queries);
    return { objects, input: { run, table: SALES, manifest, submissionKey: key } };
  };
  const refused = async (queries: string[], code: string, message: RegExp): Promise<void> => {
    const { objects, input } = await submission(queries);
    await assert.rejects(
      activitiesFor(database.pool, objects).loadStaging(input),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      },
    );
    const { rows } = await database.pool.query('select 1 from control.staging_load where submission_key = $1', [
      input.submissionKey,
    ]);
    assert.equal(rows.length, 0);
  };

  it('loads files in order, numbers the rows and counts the days; again gives the same; drop removes all', async () => {
    const { objects, input } = await submission([day('2026-03-02', 2), day('2026-03-01', 3)]);
    const activities = activitiesFor(database.pool, objects);
    const first = await activities.loadStaging(input);
    assert.deepEqual(first.partitions, [
      { partition: '2026-03-01', rows: 3 },
      { partition: '2026-03-02', rows: 2 },
    ]);
    assert.deepEqual(await activities.loadStaging(input), first);
    const { rows } = await database.pool.query<Record<string, string>>(
      `select _row_no, _partition, city from staging.${first.stagingTable} order by 1`,
    );
    assert.deepEqual(
      rows.map((row) => [row['_row_no'], row['_partition'], row['city']]),
      [
        ['1', '2026-03-02', 'city 0'],
        ['2', '2026-03-02', 'city 1'],
        ['3', '2026-03-01', 'city 0'],
        ['4', '2026-03-01', 'city 1'],
        ['5', '2026-03-01', 'city 2'],
      ],
    );
    await Promise.all([activities.loadStaging(input), activities.loadStaging(input)]);
    await activities.dropStaging({ stagingTable: first.stagingTable });
    await activities.dropStaging({ stagingTable: first.stagingTable });
    const left = await database.pool.query(
      `select 1 from pg_tables where schemaname = 'staging' union all select 1 from control.staging_load`,
    );
    assert.equal(left.rows.length, 0);
    assert.deepEqual(
      (await readdir(tmpdir())).filter((name) => name.startsWith('staging-')),
      [],
    );
  });

  it('refuses what would be lost or changed silently', async () => {
    await refused(
      [day('2026-03-03', 1)],
      'STORE_REJECTED',
      /1 rows whose business_date is outside 2026-03-01\/2026-03-03: 2026-03-03/,
    );
    await refused(
      [`select null::date as business_date, 'a' as city, 1::decimal(18,4) as sales, 1::bigint as orders`],
      'STORE_REJECTED',
      /no day at all/,
    );
    await refused(
      [`select date '2026-03-01' as business_date, 'a' as city, 1.5::double as sales, 1::bigint as orders`],
      'STORE_REJECTED',
      /sales is DOUBLE, which does not fit numeric\(18,4\) exactly/,
    );
    await refused(
      [`select date '2026-03-01' as business_date, 'a' as city, 1::decimal(38,6) as sales, 1::bigint as orders`],
      'STORE_REJECTED',
      /DECIMAL\(38,6\)/,
    );
    await refused(
      [`select date '2026-03-01' as business_date, 'a' as town, 1::decimal(18,4) as sales, 1::bigint as orders`],
      'STORE_REJECTED',
      /city is missing; town is not declared/,
    );
    await refused(
      [
        `select date '2026-03-01' as business_date, 'a' as city, '999999999999999.5'::decimal(28,4) as sales, 1::bigint as orders`,
      ],
      'STORE_REJECTED',
      /SQLSTATE 22003/,
    );
    await refused(
      [
        `select date '2026-03-01' as business_date, 'Bad' || chr(0) || 'Ems' as city, 1::decimal(18,4) as sales, 1::bigint as orders`,
      ],
      'STORE_REJECTED',
      /SQLSTATE 22021/,
    );
  });

  it('believes no manifest that does not fit', async () => {
    const { objects, input } = await submission([day('2026-03-01', 3)]);
    const activities = activitiesFor(database.pool, objects);
    const original = objects.objects.get(input.manifest) as Buffer;
    const edited = async (edit: (text: string) => string, code: string, message: RegExp): Promise<void> => {
      objects.objects.set(input.manifest, Buffer.from(edit(original.toString('utf8'))));
      await assert.rejects(activities.loadStaging(input), (error: Error & { code?: string }) => {
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      });
    };
    await edited((text) => text.replace(input.submissionKey, newKey()), 'STORE_REJECTED', /belongs to submission/);
    await edited((text) => text.replace('"rows":3', '"rows":4'), 'STORE_REJECTED', /hold 4 rows, it says 3/);
    await edited(
      (text) => text.replaceAll('"rows":3', '"rows":4'),
      'STORE_REJECTED',
      /holds 3 rows, its manifest says 4/,
    );
    await edited(
      (text) => text.replace(/"sha256":"./, '"sha256":"' + (text.includes('"sha256":"0') ? '1' : '0')),
      'STORE_REJECTED',
      /sha256 differs/,
    );
    await edited((text) => text.replace(/"bytes":(\d+)/, '"bytes":1$1'), 'STORE_UNREACHABLE', /its manifest says 1/);
    await edited(
      (text) => text.replace(`${input.submissionKey}/city_sales/`, 'other/city_sales/'),
      'STORE_REJECTED',
      /outside its submission's folder/,
    );
    await edited(
      (text) => text.replace('"name":"city_sales"', '"name":"other"'),
      'STORE_REJECTED',
      /has no output "city_sales" \(it has: other\)/,
    );
    await edited(() => '{}', 'STORE_REJECTED', /is not a manifest/);
    objects.objects.delete(input.manifest);
    await assert.rejects(activities.loadStaging(input), { code: 'MANIFEST_MISSING' });
  });

  it('ends a cancelled load as cancelled and leaves nothing', async () => {
    const { objects, input } = await submission([day('2026-03-01', 3)]);
    const controller = new AbortController();
    const reason = new Error('cancelled by a person');
    const activities = activitiesFor(database.pool, objects, () => controller.abort(reason), controller.signal);
    await assert.rejects(activities.loadStaging(input), reason);
    const { rows } = await database.pool.query('select 1 from control.staging_load where submission_key = $1', [
      input.submissionKey,
    ]);
    assert.equal(rows.length, 0);
  });

  for (const [zone, count, total] of [
    ['America/New_York', '1000000', '100000.00'],
    ['Asia/Kolkata', '10000', '1000.00'],
  ] as const) {
    it(`numbers, dates and texts survive the round trip under TZ=${zone}`, async () => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--import', 'tsx', 'test/support/curated-roundtrip.ts', count],
        {
          env: { ...process.env, TZ: zone, DATABASE_URL: database.url },
          timeout: 120_000,
        },
      );
      const { rows, sum, offset } = JSON.parse(stdout) as {
        rows: Record<string, unknown>[];
        sum: string;
        offset: number;
      };
      assert.notEqual(offset, 0);
      assert.deepEqual(rows[0], {
        day: '2026-03-01',
        order_id: '9007199254740993',
        amount: '12345678901234.57',
        at: '2026-03-01 00:00:00.123456+00',
        local_at: '2026-03-01 23:59:59.999999',
        note: 'a"b\n,\\N',
        flag: true,
        ratio: 0.1,
        doc: { a: 1 },
        small: 7,
      });
      assert.deepEqual(
        rows.slice(1).map((row) => [row['order_id'], row['amount'], row['note']]),
        [
          ['4', '1.00', '\\.'],
          ['3', '1.00', '\\N'],
          ['2', '0.00', null],
          ['1', '-0.01', ''],
        ],
      );
      assert.equal(sum, total);
    });
  }
});
