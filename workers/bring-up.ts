/** Brings everything up: servers, job code, schema, bucket, topics and workers; what already runs is reused. */
import { join } from 'node:path';
import { buildJobs, cacheFolder, findJdk, startStack, stopProcess, stopStack } from '../infra/local/index.js';
import { loadConfig, type Config } from '../infra/config.js';
import { createKafka } from '../infra/kafka/client.js';
import { createTopics } from '../infra/kafka/admin-topics.js';
import { migrate } from '../infra/postgres/migrate.js';
import { createPool } from '../infra/postgres/pool.js';
import { createS3, ensureBucket } from '../infra/s3/client.js';
import { stopHostJobs } from '../engines/kafka-streams/stop-all.js';
import { workflowBundle } from './bundle.js';
import { projectRoot, stackHome } from './deps.js';
import { startWorkers } from './local-processes.js';

export type Step = <T>(name: string, work: () => Promise<T>) => Promise<T>;

export interface Up {
  env: Record<string, string>;
  config: Config;
}

export async function bringUp(step: Step, progress: (line: string) => void): Promise<Up> {
  const root = stackHome(process.env);
  const stateDir = join(root, '.sluice');
  const stack = await step('servers', () => startStack({ root, env: process.env, progress }));
  const java = process.env['SLUICE_JAVA'] || (await javaCommand());
  const env = definedOnly({ ...stack, ...definedOnly(process.env), ...(java ? { SLUICE_JAVA: java } : {}) });
  const config = loadConfig(env);
  await step('jobs', () =>
    buildJobs({ root: projectRoot(), cacheDir: cacheFolder(process.env), env: process.env, progress }),
  );
  await step('schema', () => prepareStores(config));
  await step('workers', async () => {
    await workflowBundle(join(stateDir, 'bundle'));
    await startWorkers(root, env, progress);
  });
  return { env, config };
}

/** The JVM that the servers run on, so that JAVA_HOME alone is enough for Kafka Streams too. */
async function javaCommand(): Promise<string | undefined> {
  const jdk = await findJdk(process.env);
  return jdk ? join(jdk.home, 'bin', 'java') : undefined;
}

/** Migrates Postgres, creates bucket and topics; all idempotent. */
export async function prepareStores(config: Config): Promise<void> {
  const pool = createPool({ connectionString: config.DATABASE_URL, applicationName: 'sluice-setup', max: 2 });
  const s3 = createS3({
    ...(config.S3_ENDPOINT === undefined ? {} : { endpoint: config.S3_ENDPOINT }),
    region: config.S3_REGION,
    accessKeyId: config.S3_ACCESS_KEY_ID,
    secretAccessKey: config.S3_SECRET_ACCESS_KEY,
  });
  try {
    await migrate(pool);
    await ensureBucket(s3, config.S3_BUCKET);
    await createTopics(createKafka({ brokers: config.KAFKA_BROKERS.split(','), clientId: 'sluice-setup' }));
  } finally {
    s3.destroy();
    await pool.end();
  }
}

/** Ends workers, stream processes and servers that this clone started, in that order, and nothing else. */
export async function bringDown(progress: (line: string) => void, wipe: boolean): Promise<void> {
  const root = stackHome(process.env);
  for (const name of ['host', 'worker']) if (await stopProcess(root, name)) progress(`${name}: stopped`);
  const stopped = await stopHostJobs(join(root, '.sluice'));
  if (stopped > 0) progress(`stopped ${stopped} Kafka Streams process(es)`);
  await stopStack({ root, progress, wipe });
}

/** An empty value counts as not set. */
export function definedOnly(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1])));
}
