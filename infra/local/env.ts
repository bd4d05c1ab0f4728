/** The settings of the stack: addresses of the clone's own servers, and of those that were given by environment. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { COMPONENTS } from './components/index.js';
import { databaseUrl } from './components/postgres.js';
import { submitProperties } from './components/spark-settings.js';
import { layout } from './layout.js';
import type { Ports } from './ports.js';
import type { Secrets } from './secrets.js';
import type { StackEnv } from './types.js';

/** For each component the names that describe it; the first one decides whether it is given. */
const NAMES: Record<string, readonly string[]> = {
  temporal: ['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'TEMPORAL_UI_URL'],
  postgres: ['DATABASE_URL'],
  kafka: ['KAFKA_BROKERS'],
  flink: ['FLINK_REST_URL'],
  spark: [
    'SPARK_MASTER_REST_URL',
    'SPARK_MASTER_URL',
    'SPARK_MASTER_UI_URL',
    'SPARK_HISTORY_URL',
    'SPARK_EVENT_LOG_DIR',
    'SPARK_DRIVER_UI_PORT',
    'SPARK_SUBMIT_PROPERTIES',
  ],
  s3: ['S3_ENDPOINT', 'S3_REGION', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY', 'S3_BUCKET'],
};

/** What holds when a server is given and the environment is silent. */
const FALLBACKS: StackEnv = { TEMPORAL_NAMESPACE: 'default', S3_REGION: 'us-east-1', S3_BUCKET: 'lake' };

/** All settings of the servers that the environment names; an address of our own is not another server's. */
export function givenSettings(env: NodeJS.ProcessEnv, own: StackEnv = {}): StackEnv {
  const given: StackEnv = {};
  for (const { name, givenBy } of COMPONENTS) {
    if (!env[givenBy] || env[givenBy] === own[givenBy]) continue;
    for (const setting of NAMES[name] ?? []) {
      const value = env[setting] || FALLBACKS[setting];
      if (value) given[setting] = value;
    }
  }
  return given;
}

/** The settings of the clone's own servers, by its ports and secrets, whether they run or not. */
export function ownSettings(root: string, ports: Ports, secrets: Secrets): StackEnv {
  const at = (port: number): string => `http://127.0.0.1:${port}`;
  const own: StackEnv = {
    TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
    TEMPORAL_NAMESPACE: 'default',
    TEMPORAL_UI_URL: at(ports.temporalUi),
    DATABASE_URL: databaseUrl(ports.postgres, secrets.postgresPassword),
    KAFKA_BROKERS: `127.0.0.1:${ports.kafka}`,
    FLINK_REST_URL: at(ports.flinkRest),
    SPARK_MASTER_REST_URL: at(ports.sparkRest),
    SPARK_MASTER_URL: `spark://127.0.0.1:${ports.sparkMaster}`,
    SPARK_MASTER_UI_URL: at(ports.sparkMasterUi),
    SPARK_HISTORY_URL: at(ports.sparkHistory),
    SPARK_EVENT_LOG_DIR: pathToFileURL(join(layout(root).data, 'spark', 'events')).href,
    SPARK_DRIVER_UI_PORT: String(ports.sparkDriverUi),
    S3_ENDPOINT: at(ports.s3),
    S3_REGION: 'us-east-1',
    S3_ACCESS_KEY_ID: secrets.s3AccessKeyId,
    S3_SECRET_ACCESS_KEY: secrets.s3SecretAccessKey,
    S3_BUCKET: 'lake',
  };
  own.SPARK_SUBMIT_PROPERTIES = JSON.stringify(submitProperties(own));
  return own;
}

/** The settings of all servers: given ones as they are, the others as this clone has them. */
export function mergeSettings(own: StackEnv, given: StackEnv): StackEnv {
  const result: StackEnv = {};
  for (const [name, names] of Object.entries(NAMES)) {
    const givenBy = COMPONENTS.find((component) => component.name === name)?.givenBy ?? '';
    const source = given[givenBy] === undefined ? own : given;
    for (const setting of names) {
      const value = source[setting];
      if (value !== undefined) result[setting] = value;
    }
  }
  return result;
}
