/** What the end-to-end tests need of the runner: the stack's home, its settings, the demo's report, and connections. */
import { after, before } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { createPool, type Pool } from '../../infra/postgres/pool.js';

const NAMES = ['SLUICE_HOME', 'DATABASE_URL', 'SLUICE_TEST_DEMO', 'TEMPORAL_ADDRESS'] as const;
const missing = NAMES.filter((name) => !process.env[name]);

/** Reason to skip, or false. */
export const SKIP = missing.length > 0 ? `run through test/run.ts: ${missing.join(', ')} not set` : false;

export function e2eEnv(): { home: string; databaseUrl: string; reportFile: string; temporalAddress: string } {
  const env = process.env;
  return {
    home: env['SLUICE_HOME'] ?? '',
    databaseUrl: env['DATABASE_URL'] ?? 'postgres://127.0.0.1:1/none',
    reportFile: env['SLUICE_TEST_DEMO'] ?? '',
    temporalAddress: env['TEMPORAL_ADDRESS'] ?? '',
  };
}

export interface E2eSession {
  readonly home: string;
  readonly databaseUrl: string;
  readonly pool: Pool;
  /** Only inside of tests and hooks. */
  readonly client: Client;
}

/** Connections for the tests of the suite that calls it, opened before and closed after them. */
export function e2eSession(): E2eSession {
  const { home, databaseUrl, temporalAddress } = e2eEnv();
  const pool = createPool({ connectionString: databaseUrl, applicationName: 'sluice-e2e', max: 2 });
  let open: { connection: Connection; client: Client } | undefined;
  before(async () => {
    const connection = await Connection.connect({ address: temporalAddress });
    open = { connection, client: new Client({ connection }) };
  });
  after(async () => {
    await open?.connection.close();
    await pool.end();
  });
  return {
    home,
    databaseUrl,
    pool,
    get client() {
      if (open === undefined) throw new Error('the session is not open yet');
      return open.client;
    },
  };
}
