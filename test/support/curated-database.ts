/** A database of its own for one test file: made and migrated on a real server, dropped when the tests pass. */
import { randomBytes } from 'node:crypto';
import { createPool, type Pool } from '../../infra/postgres/pool.js';
import { migrate } from '../../infra/postgres/migrate.js';

export interface TestDatabase {
  pool: Pool;
  url: string;
  close(options: { keep: boolean }): Promise<void>;
}

export const NO_DATABASE = process.env['DATABASE_URL'] === undefined ? 'DATABASE_URL is not set' : false;

export async function createTestDatabase(): Promise<TestDatabase> {
  const base = process.env['DATABASE_URL'] as string;
  const name = `sluice_test_${randomBytes(6).toString('hex')}`;
  const admin = createPool({ connectionString: base, applicationName: 'sluice-test', max: 1 });
  await admin.query(`create database ${name}`);
  const url = new URL(base);
  url.pathname = `/${name}`;
  const pool = createPool({ connectionString: url.href, applicationName: 'sluice-test', max: 8 });
  await migrate(pool);
  return {
    pool,
    url: url.href,
    async close({ keep }) {
      await pool.end();
      if (!keep) await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}
