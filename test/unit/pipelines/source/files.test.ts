/** Sources from the user's own files: what is wrong is said with file, column and row, before anything is written. */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { mapSales, type SaleSummary } from '../../../../activities/source/canonical.js';
import { openDatabase } from '../../../../activities/source/database.js';
import { findCsvFiles, loadTables } from '../../../../activities/source/staged-tables.js';
import { isSluiceError } from '../../../../infra/errors.js';
import { loadSourceSpec } from '../../../../pipelines/source.js';
import { writeSmallSource, type SmallSource } from '../../../support/small-source.js';

describe('a source from CSV files', () => {
  let root: string;
  let small: SmallSource;
  let csv: string;
  let good: string;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'sluice-test-files-'));
    small = await writeSmallSource(root, { days: 10, linesPerDay: 3 });
    csv = join(small.dataDir, 'sales.csv');
    good = await readFile(csv, 'utf8');
  });
  after(() => rm(root, { recursive: true, force: true }));

  async function load(text: string | Buffer, dataDir: string | undefined = small.dataDir): Promise<SaleSummary> {
    await writeFile(csv, text);
    const spec = await loadSourceSpec(small.pipelinesDir, 'small');
    const db = await openDatabase();
    try {
      await loadTables(db, spec, await findCsvFiles(spec, dataDir));
      return await mapSales(db, spec);
    } finally {
      db.close();
    }
  }
  const refuses = (text: string | Buffer, pattern: RegExp, dataDir?: string): Promise<void> =>
    assert.rejects(load(text, dataDir), (error: unknown) => {
      assert.ok(isSluiceError(error), String(error));
      assert.equal(error.retryable, false);
      assert.match(error.message, pattern);
      return true;
    });
  const lines = (): string[] => good.trimEnd().split('\n');
  const withRow = (row: string): string => `${[...lines(), row].join('\n')}\n`;

  it('adds up exactly, with a byte order mark, carriage returns and quoted line breaks too', async () => {
    const expected = { lines: small.lines, days: small.daysWithSales, total: small.total, lastDay: small.lastDay };
    const { lines: count, days, total, lastDay } = await load(good);
    assert.deepEqual({ lines: count, days, total, lastDay }, expected);
    assert.equal((await load(`\uFEFF${good.replaceAll('\n', '\r\n')}`)).total, small.total);
    assert.equal((await load(withRow('o-1,2024-02-27,"Two\nlines, ""quoted""",1,0.0001'))).lines, small.lines + 1);
  });

  it('names a missing folder, file and --data', async () => {
    await refuses(good, /small: no such file: .*none.*sales\.csv|no such folder/, join(root, 'none'));
    await refuses(good, /no such file: .*pipelines.sales\.csv \(wants sales\.csv\)/, small.pipelinesDir);
    const spec = await loadSourceSpec(small.pipelinesDir, 'small');
    await assert.rejects(findCsvFiles(spec, undefined), /source small needs --data DIR, a folder with sales\.csv/);
  });

  it('names a missing column and the nearest one', async () => {
    await refuses(good.replace('seller', 'sellers'), /sales\.csv: missing column seller \(did you mean 'sellers'\?\)/);
    await refuses('', /sales\.csv: /);
  });

  const bad: [string, string, RegExp][] = [
    [
      'an amount that is no number',
      'o,2024-02-27,Bern,1,12;50',
      /column amount, data row 25: '12;50' is not numeric\(18,4\)/,
    ],
    ['an amount with more decimals than are kept', 'o,2024-02-27,Bern,1,1.23456', /'1\.23456' is not numeric/],
    ['an amount as a float', 'o,2024-02-27,Bern,1,1e3', /'1e3' is not numeric/],
    ['an amount that is not known', 'o,2024-02-27,Bern,1,NULL', /'NULL' is not numeric/],
    ['an empty amount', 'o,2024-02-27,Bern,1,', /column amount, data row 25: is empty/],
    ['a day that does not exist', 'o,2024-02-30,Bern,1,1', /column day, data row 25: '2024-02-30' is not date/],
    ['a day in another form', 'o,2024-2-3,Bern,1,1', /'2024-2-3' is not date/],
    ['an empty city', 'o,2024-02-27,"",1,1', /column city, data row 25/],
    ['a whole number with a fraction', 'o,2024-02-27,Bern,1.5,1', /column seller, data row 25: '1\.5' is not int/],
    ['a row that is too short', 'o,2024-02-27', /sales\.csv: /],
  ];
  for (const [what, row, pattern] of bad) it(`refuses ${what}`, () => refuses(withRow(row), pattern));

  it('refuses bytes that are no UTF-8', () =>
    refuses(Buffer.concat([Buffer.from(good), Buffer.from([0x6f, 0x2c, 0xff, 0xfe, 0x0a])]), /sales\.csv: /));
});

describe('a mapping', () => {
  it('that loses or doubles lines, or leaves a column unknown, is refused', async () => {
    const root = await mkdtemp(join(tmpdir(), 'sluice-test-mapping-'));
    try {
      const small = await writeSmallSource(root, { days: 4, linesPerDay: 2 });
      const spec = await loadSourceSpec(small.pipelinesDir, 'small');
      const map = async (mappingSql: string): Promise<SaleSummary> => {
        const db = await openDatabase();
        try {
          await loadTables(db, spec, await findCsvFiles(spec, small.dataDir));
          return await mapSales(db, { ...spec, mappingSql });
        } finally {
          db.close();
        }
      };
      assert.equal((await map(`${spec.mappingSql};\n`)).lines, small.lines);
      await assert.rejects(map(`${spec.mappingSql} limit 1`), /6 lines became 1 sales/);
      await assert.rejects(map(spec.mappingSql.replace("'Land'", 'null')), /country is not known in 6 sales/);
      await assert.rejects(
        map(spec.mappingSql.replace('row_number() over (partition by order_id order by rowid)', '1')),
        /has line 1 twice/,
      );
      await assert.rejects(map('select 1 as nothing from nowhere'), /mapping of source small: /);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});
