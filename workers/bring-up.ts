/** Brings everything up: servers, job code, schema, bucket, topics and workers; what already runs is reused. */
import { join } from 'node:path';
import { buildJobs, cacheFolder, findJdk, startStack, stopProcess, stopStack } from '../infra/local/index.js';
import { loadConfig, type Config } from '../infra/config.js';
import { messageOf, SluiceError } from '../infra/errors.js';
import { createKafka } from '../infra/kafka/client.js';
import { createTopics } from '../infra/kafka/admin-topics.js';
import { migrate } from '../infra/postgres/migrate.js';
import { createPool } from '../infra/postgres/pool.js';
import { ensureBucket } from '../infra/s3/client.js';
import { stopHostJobs } from '../engines/kafka-streams/stop-all.js';
import { workflowBundle } from './bundle.js';
import { projectRoot, stackHome } from './deps.js';
import { startWorkers, withWorkersLock } from './local-processes.js';
import { s3Of } from './s3.js';

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
  const s3 = s3Of(config);
  try {
    await migrate(pool);
    await ensureBucket(s3, config.S3_BUCKET);
    await createTopics(createKafka({ brokers: config.KAFKA_BROKERS.split(','), clientId: 'sluice-setup' }));
  } finally {
    s3.destroy();
    await pool.end();
  }
}

/**
 * Ends workers, stream processes and servers that this clone started, in that order, and nothing else. What cannot be
 * stopped is reported when all the rest is; data is deleted only when everything has ended.
 */
export async function bringDown(progress: (line: string) => void, wipe: boolean): Promise<void> {
  const root = stackHome(process.env);
  const failures: string[] = [];
  const attempt = async (stop: () => Promise<void>): Promise<void> => {
    try {
      await stop();
    } catch (error) {
      failures.push(messageOf(error));
    }
  };
  const endHostJobs = async (): Promise<void> => {
    const stopped = await stopHostJobs(join(root, '.sluice'));
    if (stopped > 0) progress(`stopped ${stopped} Kafka Streams process(es)`);
  };
  await withWorkersLock(root, progress, async () => {
    for (const name of ['host', 'worker']) {
      await attempt(async () => {
        if (await stopProcess(root, name)) progress(`${name}: stopped`);
      });
    }
    await attempt(endHostJobs);
    await attempt(() => stopStack({ root, progress }));
    // A host that had to be killed may have started one while it was being stopped.
    await attempt(endHostJobs);
    if (failures.length > 0) throw new SluiceError('LOCAL_STACK', failures.join('\n'));
    if (wipe) await stopStack({ root, progress, wipe });
  });
}

/** An empty value counts as not set. */
export function definedOnly(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1])));
}
