/** Migrations on a real Postgres: each once, in order, none edited, none from the future, also when many start at once. */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { migrate, readMigrations } from '../../infra/postgres/migrate.js';
import { createTestDatabase, NO_DATABASE, type TestDatabase } from '../support/curated-database.js';

const MIGRATIONS = fileURLToPath(new URL('../../infra/postgres/migrations/', import.meta.url));

describe('migrations', { skip: NO_DATABASE }, () => {
  let database: TestDatabase;
  let folder: string;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database?.close({ keep: false }));
  beforeEach(async () => {
    folder = `${await mkdtemp(join(tmpdir(), 'migrations-'))}/`;
    for (const file of await readdir(MIGRATIONS)) await copyFile(join(MIGRATIONS, file), join(folder, file));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('a migrated database has nothing left to do', async () => {
    assert.deepEqual(await migrate(database.pool), []);
    const { rows } = await database.pool.query<{ version: number }>(
      'select version from control.schema_migration order by version',
    );
    const known = await readMigrations();
    assert.deepEqual(
      rows.map(({ version }) => version),
      known.map(({ version }) => version),
    );
    assert.deepEqual(
      known.map(({ version }) => version),
      known.map((_, index) => index + 1),
      'numbered without gaps',
    );
  });

  test('an edited migration is refused by its name', async () => {
    await writeFile(join(folder, '0001-control.sql'), 'select 1');
    await assert.rejects(migrate(database.pool, folder), {
      code: 'CONFIG_INVALID',
      message: /migration 1 \(control\) differs/,
    });
  });

  test('a database that is newer than the code is refused', async () => {
    const files = (await readdir(folder)).sort();
    await rm(join(folder, files.at(-1) as string));
    await assert.rejects(migrate(database.pool, folder), { code: 'CONFIG_INVALID', message: /use a newer Sluice/ });
  });

  test('a migration that fails leaves nothing behind, and a later one is applied when it is right', async () => {
    const file = join(folder, '9998-broken.sql');
    await writeFile(file, 'create table control.half (a int); select 1 / 0;');
    await assert.rejects(migrate(database.pool, folder), /division by zero/);
    const { rows } = await database.pool.query<{ there: boolean }>(
      `select to_regclass('control.half') is not null as there`,
    );
    assert.equal(rows[0]?.there, false);
    await writeFile(file, 'create table control.half (a int);');
    const applied = await Promise.all([migrate(database.pool, folder), migrate(database.pool, folder)]);
    assert.deepEqual(applied.flat(), [9998], 'two processes at once apply it once');
  });

  test('files of another form are no migrations', async () => {
    await writeFile(join(folder, 'notes.txt'), 'x');
    await writeFile(join(folder, '12-short.sql'), 'x');
    assert.equal((await readMigrations(folder)).length, (await readMigrations()).length);
  });
});
