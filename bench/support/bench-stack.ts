/** The servers of a benchmark: Temporal, Postgres and S3 with a home folder of their own, fresh at the start, gone at the end. */
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig, type Config } from '../../infra/config.js';
import { layout, listProcesses, startStack, stopStack, type ProcessRecord } from '../../infra/local/index.js';
import { migrate } from '../../infra/postgres/migrate.js';
import { createPool, type Pool } from '../../infra/postgres/pool.js';
import { ensureBucket } from '../../infra/s3/client.js';
import { createObjectStore, type ObjectStore } from '../../infra/s3/object-store.js';
import { connectTemporal, type Temporal } from '../../workers/connect.js';
import { stackHome } from '../../workers/deps.js';
import { s3Of } from '../../workers/s3.js';

/** Far from the stack of a developer and from that of the tests. */
const PORT_BASE = '22200';

/** Nobody listens there: what a benchmark does not need is not started. */
const ABSENT = {
  KAFKA_BROKERS: '127.0.0.1:9',
  FLINK_REST_URL: 'http://127.0.0.1:9',
  SPARK_MASTER_REST_URL: 'http://127.0.0.1:9',
  SPARK_MASTER_UI_URL: 'http://127.0.0.1:9',
};

export interface BenchStack {
  home: string;
  env: Record<string, string>;
  config: Config;
  pool: Pool;
  objects: ObjectStore;
  temporal: Temporal;
  /** The record of one of its processes. */
  process(name: string): Promise<ProcessRecord>;
  /** Ends every process of the bench and deletes its data. */
  close(): Promise<void>;
}

export async function openBenchStack(say: (line: string) => void): Promise<BenchStack> {
  const shared = layout(stackHome(process.env)).runtime;
  const home = join(layout(stackHome(process.env)).base, 'bench');
  await mkdir(shared, { recursive: true });
  await mkdir(layout(home).base, { recursive: true });
  await symlink(shared, layout(home).runtime).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const down = (): Promise<void> => stopStack({ root: home, progress: () => undefined, wipe: true });
  await down();
  try {
    const given = { SLUICE_PORT_BASE: PORT_BASE, ...withoutServers(process.env), ...ABSENT };
    const started = await startStack({ root: home, env: given, progress: say });
    const env = { ...started, SLUICE_STATE_DIR: layout(home).base, SLUICE_LOG_LEVEL: 'warn' };
    const config = loadConfig(env);
    const pool = createPool({ connectionString: config.DATABASE_URL, applicationName: 'sluice-bench', max: 8 });
    const s3 = s3Of(config);
    await migrate(pool);
    await ensureBucket(s3, config.S3_BUCKET);
    const temporal = await connectTemporal(config);
    return {
      home,
      env,
      config,
      pool,
      objects: createObjectStore(s3),
      temporal,
      async process(name) {
        const found = (await listProcesses(home)).find((one) => one.name === name);
        if (!found?.running) throw new Error(`${name} does not run`);
        return found;
      },
      async close() {
        await temporal.close();
        await pool.end();
        s3.destroy();
        await down();
      },
    };
  } catch (error) {
    await down();
    throw error;
  }
}

/** A bench measures servers of its own, also in a shell that has the addresses of others. */
function withoutServers(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = ['TEMPORAL_ADDRESS', 'DATABASE_URL', 'S3_ENDPOINT'];
  return Object.fromEntries(Object.entries(env).filter(([name]) => !own.includes(name)));
}
