/** What a command needs of the running stack: settings from the environment or from this clone's stack, and connections. */
import { join } from 'node:path';
import { stackEnv } from '../../infra/local/index.js';
import { loadConfig, type Config } from '../../infra/config.js';
import { createPool, type Pool } from '../../infra/postgres/pool.js';
import { definedOnly } from '../bring-up.js';
import { connectTemporal } from '../connect.js';
import { createControl, type Control } from '../control.js';
import { stackHome } from '../deps.js';
import type { Client } from '@temporalio/client';

/** Values of the environment win over those of the stack that this clone started. */
export async function sessionEnv(): Promise<Record<string, string | undefined>> {
  return { ...(await stackEnv(stackHome(process.env), process.env)), ...definedOnly(process.env) };
}

export interface Session {
  config: Config;
  client: Client;
  pool: Pool;
  control: Control;
}

export async function withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
  // The folder of the stack's own workers, or a host would not know the processes that it runs.
  const config = loadConfig({ SLUICE_STATE_DIR: join(stackHome(process.env), '.sluice'), ...(await sessionEnv()) });
  const temporal = await connectTemporal(config);
  const pool = createPool({ connectionString: config.DATABASE_URL, applicationName: 'sluice-cli', max: 4 });
  try {
    return await work({ config, client: temporal.client, pool, control: createControl(temporal.client) });
  } finally {
    await pool.end();
    await temporal.close();
  }
}
