/** Everything the rounds and the verdict work with: servers, doors, workers, and connections that no fault stands before. */
import { createPool, type Pool } from '../../infra/postgres/pool.js';
import { loadConfig, type Config } from '../../infra/config.js';
import { createS3 } from '../../infra/s3/client.js';
import { createObjectStore, type ObjectStore } from '../../infra/s3/object-store.js';
import { prepareStores } from '../../workers/bring-up.js';
import { connectTemporal, type Temporal } from '../../workers/connect.js';
import { createControl, type Control } from '../../workers/control.js';
import type { Progress } from '../../infra/local/index.js';
import { startFaultProxy, type FaultProxy } from './fault-proxy.js';
import { startServers, type Servers } from './servers.js';
import { startWorker, workerEnv, WORKERS, type WorkerName } from './worker-processes.js';

export const DOORS = ['flink', 'sparkRest', 'sparkUi'] as const;
export type DoorName = (typeof DOORS)[number];

export interface World {
  servers: Servers;
  /** Settings that reach the engines directly. */
  config: Config;
  doors: Record<DoorName, FaultProxy>;
  /** What the workers are started with: the doors in place of the engines. */
  workerEnv: Record<string, string>;
  pool: Pool;
  objects: ObjectStore;
  temporal: Temporal;
  control: Control;
  say: Progress;
  /** What is wrong, as it is found. */
  problems: string[];
  close(): Promise<void>;
}

export async function openWorld(say: Progress): Promise<World> {
  const servers = await startServers(say);
  const config = loadConfig(servers.env);
  await prepareStores(config);
  const doors = {
    flink: await startFaultProxy(config.FLINK_REST_URL),
    sparkRest: await startFaultProxy(config.SPARK_MASTER_REST_URL),
    sparkUi: await startFaultProxy(config.SPARK_MASTER_UI_URL),
  };
  const pool = createPool({ connectionString: config.DATABASE_URL, applicationName: 'sluice-chaos', max: 4 });
  const s3 = createS3({
    endpoint: config.S3_ENDPOINT,
    region: config.S3_REGION,
    accessKeyId: config.S3_ACCESS_KEY_ID,
    secretAccessKey: config.S3_SECRET_ACCESS_KEY,
  });
  const temporal = await connectTemporal(config);
  const env = workerEnv(servers, {
    flink: doors.flink.url,
    sparkRest: doors.sparkRest.url,
    sparkUi: doors.sparkUi.url,
  });
  const world: World = {
    servers,
    config,
    doors,
    workerEnv: env,
    pool,
    objects: createObjectStore(s3),
    temporal,
    control: createControl(temporal.client),
    say,
    problems: [],
    close: async () => {
      await temporal.close();
      await pool.end();
      s3.destroy();
      for (const door of Object.values(doors)) await door.close();
    },
  };
  for (const name of Object.keys(WORKERS) as WorkerName[]) await startWorker(servers.home, env, name);
  return world;
}
