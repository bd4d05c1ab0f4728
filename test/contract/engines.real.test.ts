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
import type { KafkaStreamsEngineConfig } from '../../engines/kafka-streams/engine.js';
import { findByCommandLine, signalProcess } from '../../engines/kafka-streams/processes.js';
import { recordsOf } from '../../engines/kafka-streams/state-files.js';
import { createSparkEngine } from '../../engines/spark/engine.js';
import { createS3 } from '../../infra/s3/client.js';
import { createObjectStore } from '../../infra/s3/object-store.js';
import { closedPort, startDoor, startLossyProxy, startProxy } from '../support/http-server.js';
import { testSpec } from '../support/job-specs.js';
import { submitFromProcesses } from '../support/submit-processes.js';
import { engineContract } from './engine-contract.js';

const env = process.env;
const jarOf = (module: string) =>
  join(import.meta.dirname, `../../engines/${module}/jobs/target/sluice-${module}-jobs.jar`);
const jarPaths = { flink: jarOf('flink'), spark: jarOf('spark'), 'kafka-streams': jarOf('kafka-streams') };
const jars = createJarCatalog(jarPaths);
/** Two minutes show the same; the default keeps the suite short. */
const awayMs = Number(env['SLUICE_TEST_AWAY_MS'] ?? 3_000);
/** Shorter than a submission that is late; the engine takes that one all the same. */
const impatient = { submitTimeoutMs: 1_000, resolveMs: 500 };
const LATE_MS = 3_000;
const NO_RESTART = 'its servers are shared with the other tests; npm run chaos restarts them';

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
  const config = { cluster: 'real', restUrl: flinkEnv.FLINK_REST_URL, resolveMs: 20_000 };
  const at = (restUrl: string, more = {}) => createFlinkEngine({ ...config, restUrl, ...more }, { jars });
  const source = `CREATE TABLE numbers (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '5');`;
  const sink = `CREATE TABLE nowhere (n INT) WITH ('connector' = 'blackhole');`;
  const spec = (key: string, sql: string, parallelism = 1) =>
    testSpec('flink', key, {
      mainClass: 'dev.sluice.flink.SqlRunner',
      resources: { parallelism },
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
    failingLater: (key) =>
      spec(
        key,
        `SET 'restart-strategy.type' = 'none';\n${source}\n${sink}\nINSERT INTO nowhere SELECT 10 / (n - n) FROM numbers;`,
      ),
    jobsOf: async (key) => {
      const answer = await fetch(`${flinkEnv.FLINK_REST_URL}/jobs/overview`);
      const { jobs } = (await answer.json()) as { jobs: { name: string }[] };
      return jobs.filter((job) => job.name.startsWith(`sluice:test:${key} `)).length;
    },
    engineLosingItsAnswer: async () => {
      const proxy = await startLossyProxy(flinkEnv.FLINK_REST_URL, (request) => request.path.endsWith('/run'));
      return { engine: at(proxy.url), close: () => proxy.close() };
    },
    slowEngine: async () => {
      let posts = 0;
      const proxy = await startProxy(flinkEnv.FLINK_REST_URL, ({ path }) =>
        path.endsWith('/run') && ++posts === 1 ? LATE_MS : 'pass',
      );
      return { engine: at(proxy.url, impatient), close: () => proxy.close() };
    },
    submitFromTwoProcesses: (one, key) =>
      submitFromProcesses({ engine: { name: 'flink', config }, jars: jarPaths, spec: one, key, limitMs: 60_000 }),
    engineBehindDoor: async () => {
      const door = await startDoor(flinkEnv.FLINK_REST_URL);
      const shut = (away: boolean): void => void (door.shut = away);
      return { engine: at(door.url), shut, close: () => door.close() };
    },
    restart: { none: NO_RESTART },
    failByPlatform: { none: 'all jobs share the one TaskManager; npm run chaos kills it' },
    killByHand: async (key) =>
      void (await fetch(`${flinkEnv.FLINK_REST_URL}/jobs/${key}?mode=cancel`, { method: 'PATCH' })),
    hungryJob: { none: 'a full heap ends the TaskManager that all jobs share' },
    greedyJob: (key) => spec(key, `${source}\n${sink}\nINSERT INTO nowhere SELECT n FROM numbers;`, 64),
    engineAway: async () => at(await closedPort()),
    limitMs: 60_000,
    awayMs,
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
  const config = {
    cluster: 'real',
    restUrl: sparkEnv.SPARK_MASTER_REST_URL,
    uiUrl: sparkEnv.SPARK_MASTER_UI_URL,
    bucket,
    properties,
  };
  const at = (more: Partial<typeof config> = {}, limits = {}) =>
    createSparkEngine({ ...config, ...more, ...limits }, { jars, objects });
  const root = `contract/${randomBytes(4).toString('hex')}`;
  const spec = (key: string, sql: string, memoryMb = 512) => {
    const prefix = `${bucket}/${root}/${key}/`;
    return testSpec('spark', key, {
      mainClass: 'dev.sluice.spark.SqlRunner',
      resources: { cores: 1, memoryMb, driverMemoryMb: 512 },
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
    engine: () => at(),
    longJob: (key) =>
      spec(key, view(`SELECT id, reflect('java.lang.Thread', 'sleep', 600000L) AS slept FROM range(2)`)),
    failingJob: (key) => spec(key, view('SELECT amuont FROM range(2)')),
    failureInLog: /amuont/,
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
      return { engine: at({ restUrl: proxy.url }), close: () => proxy.close() };
    },
    slowEngine: async () => {
      let posts = 0;
      const proxy = await startProxy(config.restUrl, ({ path }) =>
        path.endsWith('/create') && ++posts === 1 ? LATE_MS : 'pass',
      );
      return { engine: at({ restUrl: proxy.url }, impatient), close: () => proxy.close() };
    },
    submitFromTwoProcesses: (one, key) =>
      submitFromProcesses({ engine: { name: 'spark', config }, jars: jarPaths, spec: one, key, limitMs: 240_000 }),
    engineBehindDoor: async () => {
      const [rest, ui] = await Promise.all([startDoor(config.restUrl), startDoor(config.uiUrl)]);
      const shut = (away: boolean): void => {
        rest.shut = away;
        ui.shut = away;
      };
      const close = async (): Promise<void> => void (await Promise.all([rest.close(), ui.close()]));
      return { engine: at({ restUrl: rest.url, uiUrl: ui.url }), shut, close };
    },
    restart: { none: NO_RESTART },
    failByPlatform: async (key) => {
      for (const pid of await findByCommandLine([`spark.sluice.key=${key}`])) signalProcess(pid, 'SIGKILL');
    },
    killByHand: async (_, driverId) =>
      void (await fetch(`${config.restUrl}/v1/submissions/kill/${driverId}`, { method: 'POST' })),
    hungryJob: (key) => ({
      // Of each row's own id, so that it is made in an executor, not folded into a constant by the driver.
      spec: spec(key, view(`SELECT length(repeat(CAST(id AS STRING), 1500000000)) AS n FROM range(1, 3)`)),
      engine: at(),
    }),
    greedyJob: (key) => spec(key, view('SELECT id FROM range(2)'), 1_000_000),
    engineAway: async () => {
      const nobody = await closedPort();
      return at({ restUrl: nobody, uiUrl: nobody });
    },
    limitMs: 240_000,
    awayMs,
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
  const config = { cluster: 'real', stateRoot, env: { PATH: env['PATH'] ?? '' } };
  const at = (more: Partial<KafkaStreamsEngineConfig> = {}) =>
    createKafkaStreamsEngine({ ...config, ...more }, { jars });
  const signalInstance = async (key: string, signal: NodeJS.Signals): Promise<void> => {
    for (const { process: known } of await recordsOf(stateRoot, key)) signalProcess(known?.pid ?? 0, signal);
  };
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
    engine: () => at(),
    longJob: (key) => spec(key, [{ name: 'city_sales_live', topic: outputTopic }]),
    failingJob: (key) => spec(key, []),
    failureInLog: /city_sales_live/,
    jobsOf: async (key) => (await recordsOf(stateRoot, key)).length,
    slowEngine: { none: 'an instance is started by the call itself' },
    submitFromTwoProcesses: (one, key) =>
      submitFromProcesses({
        engine: { name: 'kafka-streams', config },
        jars: jarPaths,
        spec: one,
        key,
        limitMs: 90_000,
      }),
    engineBehindDoor: { none: 'the host is this machine' },
    restart: { none: 'the records of a host outlive it' },
    failByPlatform: (key) => signalInstance(key, 'SIGKILL'),
    killByHand: (key) => signalInstance(key, 'SIGTERM'),
    hungryJob: (key) => ({
      spec: spec(key, [{ name: 'city_sales_live', topic: outputTopic }]),
      engine: at({ jvmOptions: ['-Xmx8m', '-XX:+UseSerialGC', '-XX:+ExitOnOutOfMemoryError'] }),
    }),
    greedyJob: { none: 'a host starts what it is asked for' },
    engineAway: async () => at({ stateRoot: join(jarPaths['kafka-streams'], 'a-file-is-no-folder') }),
    limitMs: 90_000,
    awayMs,
  });
}
