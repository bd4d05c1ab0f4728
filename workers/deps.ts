/** Wires the ports that activities need, from the settings of the process. */
import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { ActivityDeps } from '../activities/deps.js';
import type { Config } from '../infra/config.js';
import { createKafka } from '../infra/kafka/client.js';
import { createPool } from '../infra/postgres/pool.js';
import { createObjectStore } from '../infra/s3/object-store.js';
import { wireEngines } from './engines.js';
import { s3Of } from './s3.js';
import { createTemporalPort } from './temporal-port.js';

export const projectRoot = (): string => {
  const here = fileURLToPath(new URL('..', import.meta.url));
  return here.endsWith('/dist/') ? resolve(here, '..') : resolve(here);
};

/** Folder that holds `.sluice/`: the project, unless SLUICE_HOME names another one (a second stack, a read-only checkout). */
export const stackHome = (env: Readonly<Record<string, string | undefined>>): string =>
  env['SLUICE_HOME'] ? resolve(env['SLUICE_HOME']) : projectRoot();

export const pipelinesDir = (config: Pick<Config, 'SLUICE_PIPELINES_DIR'>): string =>
  config.SLUICE_PIPELINES_DIR ?? resolve(projectRoot(), 'pipelines');

export interface Wired {
  deps: ActivityDeps;
  close: () => Promise<void>;
}

export function wireDeps(config: Config, client: Client, name: string, log: Logger): Wired {
  const pool = createPool({ connectionString: config.DATABASE_URL, applicationName: `sluice-${name}`, max: 16 });
  const s3 = s3Of(config);
  const objects = createObjectStore(s3);
  const deps: ActivityDeps = {
    pool,
    objects,
    kafka: createKafka({ brokers: config.KAFKA_BROKERS.split(','), logger: log, clientId: `sluice-${name}` }),
    engine: wireEngines(config, projectRoot(), pool, objects, process.env['PATH'] ?? ''),
    temporal: createTemporalPort(client),
    settings: {
      pipelinesDir: pipelinesDir(config),
      bucket: config.S3_BUCKET,
      kafkaBrokers: config.KAFKA_BROKERS,
      clusters: {
        flink: config.SLUICE_FLINK_CLUSTER,
        spark: config.SLUICE_SPARK_CLUSTER,
        'kafka-streams': config.SLUICE_HOST_NAME,
      },
      watchIntervalMs: config.SLUICE_WATCH_INTERVAL_MS,
      lineageNamespace: config.SLUICE_LINEAGE_NAMESPACE,
      databaseUrl: config.DATABASE_URL,
    },
    now: Date.now,
  };
  return {
    deps,
    close: async () => {
      s3.destroy();
      await pool.end();
    },
  };
}
