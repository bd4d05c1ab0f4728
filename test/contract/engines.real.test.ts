/** The engine contract on real servers, given by environment; each engine that is not there is skipped with a word. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import type { Admin } from 'kafkajs';
import { createJarCatalog } from '../../engines/artifacts.js';
import { createFlinkEngine } from '../../engines/flink/engine.js';
import { createKafkaStreamsEngine } from '../../engines/kafka-streams/engine.js';
import { allRecords } from '../../engines/kafka-streams/state-files.js';
import { createSparkEngine } from '../../engines/spark/engine.js';
import { createS3 } from '../../infra/s3/client.js';
import { createObjectStore } from '../../infra/s3/object-store.js';
import { closedPort, startLossyProxy } from '../support/http-server.js';
import { testSpec } from '../support/job-specs.js';
import { engineContract } from './engine-contract.js';

const env = process.env;
const jarOf = (module: string) =>
  join(import.meta.dirname, `../../engines/${module}/jobs/target/sluice-${module}-jobs.jar`);
const jarPaths = { flink: jarOf('flink'), spark: jarOf('spark'), 'kafka-streams': jarOf('kafka-streams') };
const jars = createJarCatalog(jarPaths);

/** Undefined (and a skipped test that says why) unless all names are set and the jobs are built. */
function given<N extends string>(engine: keyof typeof jarPaths, names: readonly N[]): Record<N, string> | undefined {
  const missing = names.filter((name) => !env[name]);
  const built = existsSync(jarPaths[engine]);
  if (missing.length === 0 && built)
    return Object.fromEntries(names.map((name) => [name, env[name]])) as Record<N, string>;
  const why = built ? `not set: ${missing.join(', ')}` : `not built: ${jarPaths[engine]}`;
  test(`engine contract: ${engine}`, { skip: why }, () => undefined);
  return undefined;
}

const flinkEnv = given('flink', ['FLINK_REST_URL']);
if (flinkEnv !== undefined) {
  const at = (restUrl: string) => createFlinkEngine({ cluster: 'real', restUrl, resolveMs: 20_000 }, { jars });
  const source = `CREATE TABLE numbers (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '5');`;
  const sink = `CREATE TABLE nowhere (n INT) WITH ('connector' = 'blackhole');`;
  const spec = (key: string, sql: string) =>
    testSpec('flink', key, {
      mainClass: 'dev.sluice.flink.SqlRunner',
      resources: { parallelism: 1 },
      document: {
        key,
        tag: `sluice:test:${key}`,
        name: 'contract/flink',
        pipeline: 'contract',
        stream: 'flink',
        generation: 1,
        kafka: { bootstrapServers: '127.0.0.1:1' },
        groupId: 'contract',
        inputs: [],
        outputs: [],
        params: {},
        sql,
      },
    });
  engineContract({
    name: 'Flink',
    engine: () => at(flinkEnv.FLINK_REST_URL),
    longJob: (key) => spec(key, `${source}\n${sink}\nINSERT INTO nowhere SELECT n FROM numbers;`),
    failingJob: (key) => spec(key, `${source}\n${sink}\nINSERT INTO nowhere SELECT amuont FROM numbers;`),
    jobsOf: async (key) => {
      const answer = await fetch(`${flinkEnv.FLINK_REST_URL}/jobs/overview`);
      const { jobs } = (await answer.json()) as { jobs: { name: string }[] };
      return jobs.filter((job) => job.name.startsWith(`sluice:test:${key} `)).length;
    },
    engineLosingItsAnswer: async () => {
      const proxy = await startLossyProxy(flinkEnv.FLINK_REST_URL, (request) => request.path.endsWith('/run'));
      return { engine: at(proxy.url), close: () => proxy.close() };
    },
    engineAway: async () => at(await closedPort()),
    limitMs: 60_000,
  });
}

const sparkEnv = given('spark', [
  'SPARK_MASTER_REST_URL',
  'SPARK_MASTER_UI_URL',
  'S3_ENDPOINT',
  'S3_ACCESS_KEY_ID',
  'S3_SECRET_ACCESS_KEY',
  'S3_BUCKET',
]);
if (sparkEnv !== undefined) {
  const bucket = sparkEnv.S3_BUCKET;
  const objects = createObjectStore(
    createS3({
      endpoint: sparkEnv.S3_ENDPOINT,
      accessKeyId: sparkEnv.S3_ACCESS_KEY_ID,
      secretAccessKey: sparkEnv.S3_SECRET_ACCESS_KEY,
    }),
  );
  const properties = JSON.parse(env['SPARK_SUBMIT_PROPERTIES'] ?? '{}') as Record<string, string>;
  const at = (restUrl: string, uiUrl: string) =>
    createSparkEngine({ cluster: 'real', restUrl, uiUrl, bucket, properties }, { jars, objects });
  const root = `contract/${randomBytes(4).toString('hex')}`;
  const spec = (key: string, sql: string) => {
    const prefix = `${bucket}/${root}/${key}/`;
    return testSpec('spark', key, {
      mainClass: 'dev.sluice.spark.SqlRunner',
      resources: { cores: 1, memoryMb: 512, driverMemoryMb: 512 },
      outputPrefix: `s3://${prefix}`,
      document: {
        key,
        tag: `sluice:test:${key}`,
        name: 'contract/spark',
        pipeline: 'contract',
        stage: 'spark',
        partition: { from: '1997-01-01', to: '1997-01-02' },
        params: {},
        sql,
        inputs: [],
        outputs: [{ name: 'answer', format: 'parquet', path: `s3a://${prefix}answer/` }],
        claim: `s3a://${prefix}_claim`,
        manifest: `s3a://${prefix}_manifest.json`,
      },
    });
  };
  const view = (select: string) => `CREATE OR REPLACE TEMPORARY VIEW answer AS ${select};`;
  engineContract({
    name: 'Spark standalone',
    stop: async () => void (await objects.removeAll(`s3://${bucket}/${root}/`)),
    engine: () => at(sparkEnv.SPARK_MASTER_REST_URL, sparkEnv.SPARK_MASTER_UI_URL),
    longJob: (key) =>
      spec(key, view(`SELECT id, reflect('java.lang.Thread', 'sleep', 600000L) AS slept FROM range(2)`)),
    failingJob: (key) => spec(key, view('SELECT amuont FROM range(2)')),
    shortJob: (key) => spec(key, view('SELECT 42 AS n')),
    jobsOf: async (key) => {
      const answer = await fetch(`${sparkEnv.SPARK_MASTER_UI_URL}/json/`);
      const { activeapps, completedapps } = (await answer.json()) as Record<string, { name: string }[]>;
      return [...(activeapps ?? []), ...(completedapps ?? [])].filter((app) =>
        app.name.startsWith(`sluice:test:${key} `),
      ).length;
    },
    engineLosingItsAnswer: async () => {
      const proxy = await startLossyProxy(sparkEnv.SPARK_MASTER_REST_URL, (request) =>
        request.path.endsWith('/create'),
      );
      return { engine: at(proxy.url, sparkEnv.SPARK_MASTER_UI_URL), close: () => proxy.close() };
    },
    engineAway: async () => {
      const nobody = await closedPort();
      return at(nobody, nobody);
    },
    limitMs: 240_000,
  });
}

async function withAdmin(brokers: string, work: (admin: Admin) => Promise<unknown>): Promise<void> {
  const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.disconnect();
  }
}

const streamsEnv = given('kafka-streams', ['KAFKA_BROKERS']);
if (streamsEnv !== undefined) {
  const outputTopic = `contract.city-sales-live-${randomBytes(4).toString('hex')}`;
  const stateRoot = await mkdtemp(join(tmpdir(), 'sluice-contract-'));
  const at = (root: string) =>
    createKafkaStreamsEngine({ cluster: 'real', stateRoot: root, env: { PATH: env['PATH'] ?? '' } }, { jars });
  /** Application ids hold the key, and so do the topics that Kafka Streams makes for an application. */
  const started: string[] = [];
  const spec = (key: string, outputs: { name: string; topic: string }[]) => {
    started.push(key);
    return testSpec('kafka-streams', key, {
      mainClass: 'dev.sluice.streams.CitySalesLive',
      resources: { memoryMb: 256, instances: 1 },
      document: {
        key,
        tag: `sluice:test:${key}`,
        name: 'contract/kafka-streams',
        pipeline: 'contract',
        stream: 'kafka-streams',
        generation: 1,
        kafka: { bootstrapServers: streamsEnv.KAFKA_BROKERS },
        groupId: `contract-${key}`,
        inputs: [{ name: 'sales', topic: 'sales.raw' }],
        outputs,
        params: {},
      },
    });
  };
  engineContract({
    name: 'Kafka Streams',
    start: () =>
      withAdmin(streamsEnv.KAFKA_BROKERS, (admin) => admin.createTopics({ topics: [{ topic: outputTopic }] })),
    stop: async () => {
      await withAdmin(streamsEnv.KAFKA_BROKERS, async (admin) => {
        const own = (await admin.listTopics()).filter(
          (name) => name === outputTopic || started.some((key) => name.includes(key)),
        );
        await admin.deleteTopics({ topics: own });
      });
      await rm(stateRoot, { recursive: true, force: true });
    },
    engine: () => at(stateRoot),
    longJob: (key) => spec(key, [{ name: 'city_sales_live', topic: outputTopic }]),
    failingJob: (key) => spec(key, []),
    jobsOf: async (key) => (await allRecords(stateRoot)).get(key)?.length ?? 0,
    engineAway: async () => at(join(jarPaths['kafka-streams'], 'a-file-is-no-folder')),
    limitMs: 90_000,
  });
}
