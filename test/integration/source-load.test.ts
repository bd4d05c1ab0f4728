/** Loading a source on real servers: exactly once whatever breaks, every day closed in every partition, both doors equal. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../../activities/source/database.js';
import { isSluiceError } from '../../infra/errors.js';
import { topicRanges, withAdmin } from '../../infra/kafka/admin-topics.js';
import { readTopic } from '../../infra/kafka/client-read.js';
import { readSourceLoad } from '../../infra/postgres/source-loads.js';
import type { ObjectStore } from '../../infra/s3/object-store.js';
import { addDays, dayCount } from '../../pipelines/days.js';
import { adventureWorksDir, PIPELINES_DIR } from '../support/canonical-sales.js';
import { createTestDatabase, type TestDatabase } from '../support/curated-database.js';
import { writeSmallSource, type SmallSource } from '../support/small-source.js';
import { NO_SERVERS, runLoad, testKafka, testStore, type TestLoad } from '../support/source-load.js';

const BUCKET = 'lake';
const LOADER = fileURLToPath(new URL('../support/source-load.ts', import.meta.url));

interface TopicContent {
  sales: number;
  total: bigint;
  /** Closed days per partition, in order of appearance. */
  closed: Map<number, string[]>;
}

/** Reads the whole topic and checks what must hold for every record. */
async function readContent(topic: string): Promise<TopicContent> {
  const lines = new Set<string>();
  const closed = new Map<number, string[]>();
  const cities = new Map<string, number>();
  let total = 0n;
  await readTopic(testKafka(), topic, ({ partition, key, value, timestampMs }) => {
    const record = JSON.parse(value as string) as Record<string, string | number>;
    assert.equal(new Date(timestampMs).toISOString(), `${String(record['ts']).slice(0, 19)}.000Z`);
    const days = closed.get(partition) ?? [];
    if (record['type'] === 'dayClosed') {
      assert.equal(record['ts'], `${addDays(String(record['day']), 1)}T00:00:00Z`);
      closed.set(partition, [...days, String(record['day'])]);
      return;
    }
    assert.equal(key, `${record['country']}|${record['state']}|${record['city']}`);
    assert.equal(cities.get(key) ?? partition, partition, 'a city is in one partition');
    cities.set(key, partition);
    const last = days.at(-1);
    assert.ok(last === undefined || String(record['order_date']) > last, 'no sale after the end of its day');
    const id = `${record['order_id']}#${record['line']}`;
    assert.ok(!lines.has(id), `line ${id} once`);
    lines.add(id);
    assert.match(String(record['amount']), /^\d+\.\d{4}$/);
    total += BigInt(String(record['amount']).replace('.', ''));
  });
  return { sales: lines.size, total, closed };
}

function assertWhole(
  content: TopicContent,
  source: Pick<SmallSource, 'lines' | 'total' | 'firstDay' | 'lastDay'>,
): void {
  assert.equal(content.sales, source.lines);
  assert.equal(content.total, BigInt(source.total.replace('.', '')));
  const count = dayCount(source.firstDay, source.lastDay) + 1;
  const calendar = Array.from({ length: count }, (_, index) => addDays(source.firstDay, index));
  assert.equal(content.closed.size, 4);
  for (const days of content.closed.values()) assert.deepEqual(days, calendar);
}

describe('source load', { skip: NO_SERVERS }, () => {
  let database: TestDatabase;
  let store: ObjectStore;
  let closeStore: () => void;
  let root: string;
  const topics: string[] = [];
  const lakes: string[] = [];
  let failed = false;

  before(async () => {
    database = await createTestDatabase();
    ({ store, close: closeStore } = await testStore(BUCKET));
    root = await mkdtemp(join(tmpdir(), 'sluice-test-source-'));
  });
  after(async () => {
    if (!failed) {
      await withAdmin(testKafka(), (admin) => admin.deleteTopics({ topics }));
      for (const lake of lakes) await store.removeAll(`${lake}/`);
    }
    await rm(root, { recursive: true, force: true });
    closeStore();
    await database.close({ keep: failed });
  });

  const test = (name: string, options: { skip?: string | false }, body: () => Promise<void>): void =>
    void it(name, options, async () => {
      await database.pool.query('truncate control.source_load, control.source_day, control.source_offset');
      try {
        await body();
      } catch (error) {
        failed = true;
        throw error;
      }
    });

  function newLoad(source: string, pipelinesDir: string, dataDir?: string): TestLoad {
    const id = `${Date.now().toString(36)}-${topics.length}`;
    topics.push(`test.source-${id}`);
    lakes.push(`s3://${BUCKET}/test-source-${id}`);
    return {
      source,
      pipelinesDir,
      dataDir,
      topic: topics.at(-1) as string,
      lake: lakes.at(-1) as string,
      databaseUrl: database.url,
    };
  }

  async function lakeTotals(lake: string): Promise<{ files: number; lines: string; total: string; days: string }> {
    const objects = await store.list(`${lake}/sales/`);
    const db = await openDatabase();
    try {
      const paths = await Promise.all(
        objects.map(async ({ url }, index) => {
          assert.match(url, /\/sales\/month=\d{4}-\d{2}\/sales\.parquet$/);
          const path = join(root, `lake-${index}.parquet`);
          await store.download(url, path);
          return `'${path}'`;
        }),
      );
      const [row] = await db.rows(
        `select count(*) as lines, sum(amount) as total, count(distinct order_date) as days
           from read_parquet([${paths.join(', ')}], hive_partitioning = false)`,
      );
      const columns = await db.rows(`describe select * from read_parquet(${paths[0]}, hive_partitioning = false)`);
      assert.deepEqual(
        columns.map((column) => `${column['column_name']} ${column['column_type']}`),
        [
          'order_id VARCHAR',
          'line INTEGER',
          'order_date DATE',
          'country VARCHAR',
          'state VARCHAR',
          'city VARCHAR',
          'employee_key VARCHAR',
          'salesman VARCHAR',
          'amount DECIMAL(18,4)',
        ],
      );
      return {
        files: objects.length,
        lines: String(row?.['lines']),
        total: String(row?.['total']),
        days: String(row?.['days']),
      };
    } finally {
      db.close();
    }
  }

  test('a small source goes in by both doors, and again writes nothing', {}, async () => {
    const small = await writeSmallSource(join(root, 'plain'), { days: 70, linesPerDay: 40 });
    const load = newLoad('small', small.pipelinesDir, small.dataDir);
    const first = await runLoad(load);
    assert.equal(first.outcome, 'loaded');
    assertWhole(await readContent(load.topic), small);
    const lake = await lakeTotals(load.lake);
    assert.deepEqual(
      [lake.lines, lake.total, lake.days],
      [String(small.lines), small.total, String(small.daysWithSales)],
    );

    const recorded = await readSourceLoad(database.pool);
    assert.equal(recorded?.asOf, small.lastDay);
    assert.equal(recorded?.total, small.total);
    const ranges = await topicRanges(testKafka(), load.topic);
    // The record offset after the last closing; only the marker of its transaction is behind it.
    assert.deepEqual(
      recorded?.endOffsets,
      ranges.map(({ partition, high }) => ({ partition, endOffset: String(high - 1n) })),
    );
    const { rows } = await database.pool.query<{ n: string; lines: string; sales: string }>(
      'select count(*) as n, sum(lines) as lines, sum(sales) as sales from control.source_day',
    );
    assert.deepEqual(rows[0], { n: String(small.daysWithSales), lines: String(small.lines), sales: small.total });

    const second = await runLoad(load);
    assert.equal(second.outcome, 'present');
    assert.deepEqual(await topicRanges(testKafka(), load.topic), ranges);
    assert.deepEqual(second.endOffsets, first.endOffsets);
  });

  test('a loader killed in the middle is continued exactly once', {}, async () => {
    const small = await writeSmallSource(join(root, 'killed'), { days: 300, linesPerDay: 60 });
    const load = newLoad('small', small.pipelinesDir, small.dataDir);
    const { databaseUrl, ...rest } = load;
    for (const killAt of ['2024-03-10', '2024-06-20']) {
      const child = spawn(process.execPath, ['--import', 'tsx', LOADER, JSON.stringify(rest)], {
        env: { ...process.env, TEST_DATABASE_URL: databaseUrl },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const gone = once(child, 'exit');
      for await (const day of createInterface({ input: child.stdout })) {
        if (day >= killAt) {
          child.kill('SIGKILL');
          break;
        }
      }
      const [, signal] = (await gone) as [number | null, string | null];
      assert.equal(signal, 'SIGKILL');
      assert.equal((await readSourceLoad(database.pool))?.state, 'loading');
    }
    const result = await runLoad(load);
    assert.equal(result.outcome, 'resumed');
    assertWhole(await readContent(load.topic), small);
    assert.equal((await lakeTotals(load.lake)).total, small.total);
    assert.equal((await readSourceLoad(database.pool))?.state, 'complete');
  });

  test('of two loaders at once the older one is fenced, and every line is there once', {}, async () => {
    const small = await writeSmallSource(join(root, 'two'), { days: 250, linesPerDay: 60 });
    const load = newLoad('small', small.pipelinesDir, small.dataDir);
    let second: ReturnType<typeof runLoad> | undefined;
    const first = runLoad(load, {
      progress: ({ day }) => {
        if (day !== undefined && day >= '2024-03-20') second ??= runLoad(load);
      },
    });
    const [older] = await Promise.allSettled([first]);
    const newer = await (second as ReturnType<typeof runLoad>);
    assert.equal(newer.state, 'complete');
    // The older one may have been done before the newer one opened its producers; otherwise it was refused.
    if (older.status === 'rejected') assert.ok(isSluiceError(older.reason), String(older.reason));
    assertWhole(await readContent(load.topic), small);
  });

  test('an aborted load ends soon and is continued, also by a database that knows nothing of it', {}, async () => {
    const small = await writeSmallSource(join(root, 'aborted'), { days: 60, linesPerDay: 40 });
    const load = newLoad('small', small.pipelinesDir, small.dataDir);
    const controller = new AbortController();
    const broken = runLoad(load, {
      signal: controller.signal,
      progress: ({ day }) => void (day !== undefined && day >= '2024-03-15' && controller.abort()),
    });
    await assert.rejects(broken, { name: 'AbortError' });
    await database.pool.query('truncate control.source_load');
    assert.equal((await runLoad(load)).outcome, 'resumed');
    assertWhole(await readContent(load.topic), small);
  });

  test('another source or other content needs a fresh state', {}, async () => {
    const small = await writeSmallSource(join(root, 'other'), { days: 8, linesPerDay: 4 });
    const load = newLoad('small', small.pipelinesDir, small.dataDir);
    await runLoad(load);
    const refused = (error: unknown): boolean =>
      isSluiceError(error, 'STORE_CONFLICT') && error.message.includes('sluice down --wipe');
    await assert.rejects(runLoad({ ...load, source: 'foodmart', pipelinesDir: PIPELINES_DIR }), refused);

    await writeSmallSource(join(root, 'other'), { days: 8, linesPerDay: 4, seed: 1 });
    await assert.rejects(runLoad(load), refused);
    // Also when the database forgot: the topic itself says which load it holds.
    await database.pool.query('truncate control.source_load');
    await assert.rejects(runLoad(load), refused);
    const content = await readContent(load.topic);
    assertWhole(content, small);
  });

  test('a lost file of the lake is written again; a lost topic is not papered over', {}, async () => {
    const small = await writeSmallSource(join(root, 'lost'), { days: 40, linesPerDay: 4 });
    const load = newLoad('small', small.pipelinesDir, small.dataDir);
    await runLoad(load);
    await store.removeAll(`${load.lake}/sales/month=2024-03`);
    const ranges = await topicRanges(testKafka(), load.topic);
    await runLoad(load);
    assert.equal((await lakeTotals(load.lake)).lines, String(small.lines));
    assert.deepEqual(await topicRanges(testKafka(), load.topic), ranges);

    const elsewhere = { ...load, topic: newLoad('small', small.pipelinesDir).topic };
    await assert.rejects(
      runLoad(elsewhere),
      (error: unknown) => isSluiceError(error, 'STORE_CONFLICT') && error.message.includes('shorter than recorded'),
    );
  });

  test('foodmart is loaded whole', {}, async () => {
    const load = newLoad('foodmart', PIPELINES_DIR);
    const result = await runLoad(load);
    const spent = Object.values(result.seconds).reduce((sum, seconds) => sum + seconds, 0);
    // About 10 s on two free cores; the bound leaves room for a busy machine.
    assert.ok(spent - (result.seconds.fetch ?? 0) <= 90, `took ${JSON.stringify(result.seconds)}`);
    const expected = { lines: 269_720, total: '1764546.4400', firstDay: '1997-01-01', lastDay: '1998-12-30' };
    assertWhole(await readContent(load.topic), expected);
    assert.deepEqual(await lakeTotals(load.lake), { files: 24, lines: '269720', total: '1764546.4400', days: '673' });
  });

  const data = adventureWorksDir();
  const noData = data === undefined ? 'SLUICE_TEST_DATA names no folder with adventureworks-reseller' : false;
  test('adventureworks is loaded whole', { skip: noData }, async () => {
    const load = newLoad('adventureworks', PIPELINES_DIR, data);
    await runLoad(load);
    const expected = { lines: 57_851, total: '77548570.2000', firstDay: '2017-07-01', lastDay: '2020-05-31' };
    assertWhole(await readContent(load.topic), expected);
    assert.equal((await lakeTotals(load.lake)).total, '77548570.2000');
  });
});
