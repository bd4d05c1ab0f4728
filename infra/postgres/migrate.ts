/** Numbered, append-only migrations of the control schema, each run once, under a lock. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { SluiceError } from '../errors.js';
import { inTransaction, type Pool } from './pool.js';

const FOLDER = fileURLToPath(new URL('./migrations/', import.meta.url));
/** Any constant will do as long as every process uses the same one. */
const LOCK_ID = 7_203_181_101;

interface Migration {
  version: number;
  name: string;
  sql: string;
  sha256: string;
}

export async function readMigrations(folder = FOLDER): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => /^\d{4}-[a-z0-9-]+\.sql$/.test(file)).sort();
  return Promise.all(
    files.map(async (file) => {
      const sql = await readFile(`${folder}${file}`, 'utf8');
      return {
        version: Number(file.slice(0, 4)),
        name: file.slice(5, -4),
        sql,
        sha256: createHash('sha256').update(sql).digest('hex'),
      };
    }),
  );
}

/**
 * Brings the schema to the newest version and returns the versions applied now.
 * Throws CONFIG_INVALID when the database is newer than this code or a released migration was edited.
 */
export async function migrate(pool: Pool, folder = FOLDER): Promise<number[]> {
  const migrations = await readMigrations(folder);
  return inTransaction(pool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [LOCK_ID]);
    await client.query('create schema if not exists control');
    await client.query(
      `create table if not exists control.schema_migration (
         version int primary key, name text not null, sha256 text not null, applied_at timestamptz not null default now())`,
    );
    const { rows } = await client.query<{ version: number; name: string; sha256: string }>(
      'select version, name, sha256 from control.schema_migration order by version',
    );
    const known = new Map(migrations.map((migration) => [migration.version, migration]));
    for (const row of rows) {
      const own = known.get(row.version);
      if (!own) {
        throw new SluiceError(
          'CONFIG_INVALID',
          `the database has migration ${row.version} (${row.name}), which this version does not know: use a newer Sluice`,
        );
      }
      if (own.sha256 !== row.sha256) {
        throw new SluiceError(
          'CONFIG_INVALID',
          `migration ${row.version} (${row.name}) differs from the one that was applied: migrations are append-only`,
        );
      }
    }
    const done = new Set(rows.map((row) => row.version));
    const applied: number[] = [];
    for (const migration of migrations.filter((candidate) => !done.has(candidate.version))) {
      await client.query(migration.sql);
      await client.query('insert into control.schema_migration (version, name, sha256) values ($1, $2, $3)', [
        migration.version,
        migration.name,
        migration.sha256,
      ]);
      applied.push(migration.version);
    }
    return applied;
  });
}
