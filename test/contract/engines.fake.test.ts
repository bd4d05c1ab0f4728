/** The engine contract on fakes: the in-memory engine, and each real adapter in front of a small imitation of its server. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createJarCatalog } from '../../engines/artifacts.js';
import { createFlinkEngine } from '../../engines/flink/engine.js';
import { createKafkaStreamsEngine } from '../../engines/kafka-streams/engine.js';
import { allRecords } from '../../engines/kafka-streams/state-files.js';
import { besideOutput } from '../../engines/proof.js';
import { createSparkEngine } from '../../engines/spark/engine.js';
import { createFakeEngine, FakeCluster } from '../support/fake-engine.js';
import { startFakeFlink } from '../support/fake-flink-server.js';
import type { FakeFlink } from '../support/fake-flink-server.js';
import { startFakeSpark } from '../support/fake-spark-server.js';
import type { FakeDriver, FakeSpark } from '../support/fake-spark-server.js';
import { closedPort, startLossyProxy } from '../support/http-server.js';
import { testSpec } from '../support/job-specs.js';
import { createMemoryObjects } from '../support/memory-objects.js';
import { engineContract } from './engine-contract.js';

const folder = await mkdtemp(join(tmpdir(), 'sluice-contract-'));
const jarPath = join(folder, 'jobs.jar');
await writeFile(jarPath, 'not really a jar');
const jars = createJarCatalog({ flink: jarPath, spark: jarPath, 'kafka-streams': jarPath });
const quick = {
  lookMs: 20,
  resolveMs: 1_000,
  refusedMs: 300,
  cancelMs: 5_000,
  timeoutMs: 2_000,
  submitTimeoutMs: 2_000,
};

{
  const cluster = new FakeCluster({
    onAccepted: (job) => {
      if (job.spec.mainClass.endsWith('Broken')) cluster.fail(job.observation.key, 'no such column: amuont');
      if (job.spec.mainClass.endsWith('Short')) cluster.succeed(job.observation.key);
    },
  });
  const away = new FakeCluster();
  away.away = true;
  engineContract({
    name: 'in memory',
    engine: () => createFakeEngine(cluster),
    longJob: (key) => testSpec('flink', key),
    failingJob: (key) => testSpec('flink', key, { mainClass: 'dev.sluice.test.Broken' }),
    shortJob: (key) => testSpec('flink', key, { mainClass: 'dev.sluice.test.Short' }),
    jobsOf: async (key) => cluster.accepted.get(key) ?? 0,
    engineLosingItsAnswer: async () => {
      cluster.lostSubmitAnswers = 1;
      return { engine: createFakeEngine(cluster), close: async () => undefined };
    },
    engineAway: async () => createFakeEngine(away),
    limitMs: 2_000,
  });
}

{
  let flink: FakeFlink;
  const at = (restUrl: string) => createFlinkEngine({ cluster: 'test', restUrl, ...quick }, { jars });
  engineContract({
    name: 'Flink adapter on an imitation',
    start: async () => {
      flink = await startFakeFlink();
    },
    stop: () => flink.close(),
    engine: () => at(flink.url),
    longJob: (key) => testSpec('flink', key),
    failingJob: (key) => testSpec('flink', key, { mainClass: 'dev.sluice.test.Broken' }),
    jobsOf: async (key) => flink.accepted.filter((id) => id === key).length,
    engineLosingItsAnswer: async () => {
      const proxy = await startLossyProxy(flink.url, (request) => request.path.endsWith('/run'));
      return { engine: at(proxy.url), close: () => proxy.close() };
    },
    engineAway: async () => at(await closedPort()),
    limitMs: 5_000,
  });
}

{
  let spark: FakeSpark;
  const objects = createMemoryObjects();
  const bucket = 'lake';
  const at = (url: string) =>
    createSparkEngine({ cluster: 'test', restUrl: url, uiUrl: url, bucket, ...quick }, { jars, objects });
  const spec = (key: string, mainClass: string) =>
    testSpec('spark', key, { mainClass, outputPrefix: `s3://${bucket}/contract/1997-01-01/stage/${key}/` });

  /** Plays the driver's first seconds: claim, application, and the end that its main class stands for. */
  async function drive(driver: FakeDriver): Promise<void> {
    const key = String(driver.document['key']);
    const own = spec(key, driver.mainclass);
    const app = { id: `app-${driver.id}`, name: driver.appName, starttime: Date.now(), cores: 2, state: 'RUNNING' };
    const claim = JSON.stringify({ driverId: driver.id, appId: app.id });
    if (!(await objects.putText(besideOutput(own, '_claim') ?? '', claim, { ifNoneMatch: '*' }))) {
      driver.state = 'FAILED';
      return;
    }
    spark.apps.set(app.id, app);
    driver.state = 'RUNNING';
    if (driver.mainclass.endsWith('Broken')) {
      spark.log = 'SLUICE_FAILURE {"class":"x.AnalysisException","message":"no such column: amuont","blame":"user"}\n';
      Object.assign(driver, { state: 'FAILED' });
      app.state = 'FINISHED';
    }
    if (driver.mainclass.endsWith('Short')) {
      await objects.putText(besideOutput(own, '_manifest.json') ?? '', '{}');
      Object.assign(driver, { state: 'FINISHED' });
      app.state = 'FINISHED';
    }
  }

  engineContract({
    name: 'Spark adapter on an imitation',
    start: async () => {
      spark = await startFakeSpark();
      spark.onDriver = drive;
    },
    stop: () => spark.close(),
    engine: () => at(spark.url),
    longJob: (key) => spec(key, 'dev.sluice.test.Long'),
    failingJob: (key) => spec(key, 'dev.sluice.test.Broken'),
    shortJob: (key) => spec(key, 'dev.sluice.test.Short'),
    jobsOf: async (key) => [...spark.drivers.values()].filter((driver) => driver.document['key'] === key).length,
    engineLosingItsAnswer: async () => {
      const proxy = await startLossyProxy(spark.url, (request) => request.path.endsWith('/create'));
      return { engine: at(proxy.url), close: () => proxy.close() };
    },
    engineAway: async () => at(await closedPort()),
    limitMs: 10_000,
  });
}

{
  const stateRoot = join(folder, 'streams-host');
  const at = (root: string) =>
    createKafkaStreamsEngine(
      {
        cluster: 'test',
        stateRoot: root,
        java: join(import.meta.dirname, '../support/fake-jvm.mjs'),
        env: { PATH: process.env['PATH'] ?? '' },
        stopMs: 2_000,
      },
      { jars },
    );
  const spec = (key: string, mainClass: string) =>
    testSpec('kafka-streams', key, { mainClass, document: { key, groupId: `contract-${key}` } });
  engineContract({
    name: 'Kafka Streams adapter on an imitation',
    stop: () => rm(folder, { recursive: true, force: true }),
    engine: () => at(stateRoot),
    longJob: (key) => spec(key, 'dev.sluice.test.Long'),
    failingJob: (key) => spec(key, 'dev.sluice.test.Broken'),
    jobsOf: async (key) => (await allRecords(stateRoot)).get(key)?.length ?? 0,
    engineAway: async () => at(join(jarPath, 'a-file-is-no-folder')),
    limitMs: 10_000,
  });
}
