/** The engine contract on fakes: the in-memory engine, and each real adapter in front of a small imitation of its server. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createJarCatalog } from '../../engines/artifacts.js';
import { createFlinkEngine } from '../../engines/flink/engine.js';
import { createKafkaStreamsEngine } from '../../engines/kafka-streams/engine.js';
import { signalProcess } from '../../engines/kafka-streams/processes.js';
import { recordsOf } from '../../engines/kafka-streams/state-files.js';
import { besideOutput } from '../../engines/proof.js';
import { createSparkEngine } from '../../engines/spark/engine.js';
import { createFakeEngine, FakeCluster } from '../support/fake-engine.js';
import { startFakeFlink } from '../support/fake-flink-server.js';
import type { FakeFlink } from '../support/fake-flink-server.js';
import { startFakeSpark } from '../support/fake-spark-server.js';
import type { FakeDriver, FakeSpark } from '../support/fake-spark-server.js';
import { closedPort, startDoor, startLossyProxy, startProxy } from '../support/http-server.js';
import { writeJar } from '../support/jars.js';
import { testSpec } from '../support/job-specs.js';
import { createMemoryObjects } from '../support/memory-objects.js';
import { submitFromProcesses } from '../support/submit-processes.js';
import { engineContract } from './engine-contract.js';

const folder = await mkdtemp(join(tmpdir(), 'sluice-contract-'));
const jarPath = join(folder, 'jobs.jar');
await writeJar(jarPath);
const jarPaths = { flink: jarPath, spark: jarPath, 'kafka-streams': jarPath };
const jars = createJarCatalog(jarPaths);
const quick = {
  lookMs: 20,
  resolveMs: 1_000,
  refusedMs: 300,
  cancelMs: 5_000,
  timeoutMs: 2_000,
  submitTimeoutMs: 2_000,
};
/** Shorter than a request that is late, longer than one that is not. */
const impatient = { ...quick, submitTimeoutMs: 300, resolveMs: 100 };
const LATE_MS = 700;
const awayMs = 200;

{
  const cluster = new FakeCluster({
    onAccepted: (job) => {
      const { key } = job.observation;
      if (job.spec.mainClass.endsWith('Broken')) cluster.fail(key, 'no such column: amuont');
      if (job.spec.mainClass.endsWith('Short')) cluster.succeed(key);
      if (job.spec.mainClass.endsWith('Hungry')) {
        cluster.fail(key, 'OutOfMemoryError: Java heap space', { blame: 'resources', outOfMemory: true });
      }
      if (job.spec.mainClass.endsWith('Greedy')) {
        cluster.set(key, 'starting', { reason: '0 of 9 tasks run: waiting for slots' });
      }
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
    failureInLog: /no such column: amuont/,
    jobsOf: async (key) => cluster.accepted.get(key) ?? 0,
    engineLosingItsAnswer: async () => {
      cluster.lostSubmitAnswers = 1;
      return { engine: createFakeEngine(cluster), close: async () => undefined };
    },
    slowEngine: async () => {
      cluster.lateSubmits = 1;
      return { engine: createFakeEngine(cluster), close: async () => undefined };
    },
    submitFromTwoProcesses: { none: 'its memory is of this process' },
    engineBehindDoor: async () => ({
      engine: createFakeEngine(cluster),
      shut: (shut) => {
        cluster.away = shut;
      },
      close: async () => {
        cluster.away = false;
      },
    }),
    restart: async () => cluster.jobs.clear(),
    failByPlatform: async (key) => cluster.fail(key, 'TaskManager lost', { blame: 'platform' }),
    killByHand: async (key) => cluster.set(key, 'cancelled', { reason: 'cancelled at the engine' }),
    hungryJob: (key) => ({
      spec: testSpec('flink', key, { mainClass: 'dev.sluice.test.Hungry' }),
      engine: createFakeEngine(cluster),
    }),
    greedyJob: (key) => testSpec('flink', key, { mainClass: 'dev.sluice.test.Greedy' }),
    engineAway: async () => createFakeEngine(away),
    limitMs: 2_000,
    awayMs,
  });
}

{
  let flink: FakeFlink;
  const at = (restUrl: string, more = {}) =>
    createFlinkEngine({ cluster: 'test', restUrl, ...quick, ...more }, { jars });
  const job = (key: string) => {
    const found = flink.jobs.get(key);
    if (found === undefined) throw new Error(`the imitation has no job ${key}`);
    return found;
  };
  engineContract({
    name: 'Flink adapter on an imitation',
    start: async () => {
      flink = await startFakeFlink();
      flink.onStop = (one, triggerId) => {
        flink.savepoints.set(triggerId, {
          status: { id: 'COMPLETED' },
          operation: { location: `s3://savepoints/${triggerId}` },
        });
        Object.assign(one, { state: 'FINISHED', tasks: { total: 1, finished: 1 } });
      };
    },
    stop: () => flink.close(),
    engine: () => at(flink.url),
    longJob: (key) => testSpec('flink', key),
    failingJob: (key) => testSpec('flink', key, { mainClass: 'dev.sluice.test.Broken' }),
    failingLater: (key) => testSpec('flink', key, { mainClass: 'dev.sluice.test.Killed' }),
    jobsOf: async (key) => flink.accepted.filter((id) => id === key).length,
    engineLosingItsAnswer: async () => {
      const proxy = await startLossyProxy(flink.url, (request) => request.path.endsWith('/run'));
      return { engine: at(proxy.url), close: () => proxy.close() };
    },
    slowEngine: async () => {
      let posts = 0;
      const proxy = await startProxy(flink.url, ({ path }) =>
        path.endsWith('/run') && ++posts === 1 ? LATE_MS : 'pass',
      );
      return { engine: at(proxy.url, impatient), close: () => proxy.close() };
    },
    submitFromTwoProcesses: (spec, key) =>
      submitFromProcesses({
        engine: { name: 'flink', config: { cluster: 'test', restUrl: flink.url, ...quick } },
        jars: jarPaths,
        spec,
        key,
        limitMs: 10_000,
      }),
    engineBehindDoor: async () => {
      const door = await startDoor(flink.url);
      const shut = (away: boolean): void => void (door.shut = away);
      return { engine: at(door.url), shut, close: () => door.close() };
    },
    restart: async () => flink.jobs.clear(),
    failByPlatform: async (key) =>
      void Object.assign(job(key), {
        state: 'FAILED',
        tasks: { total: 1, failed: 1 },
        stacktrace:
          'org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy\n' +
          'Caused by: org.apache.flink.runtime.jobmaster.JobMasterException: TaskManager with id local is no longer reachable.',
      }),
    killByHand: async (key) => void (await fetch(`${flink.url}/jobs/${key}`, { method: 'PATCH' })),
    hungryJob: (key) => ({
      spec: testSpec('flink', key, { mainClass: 'dev.sluice.test.Hungry' }),
      engine: at(flink.url),
    }),
    greedyJob: (key) => testSpec('flink', key, { mainClass: 'dev.sluice.test.Greedy' }),
    engineAway: async () => at(await closedPort()),
    limitMs: 5_000,
    awayMs,
  });
}

{
  let spark: FakeSpark;
  const objects = createMemoryObjects();
  const bucket = 'lake';
  const at = (url: string, more = {}) =>
    createSparkEngine({ cluster: 'test', restUrl: url, uiUrl: url, bucket, ...quick, ...more }, { jars, objects });
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
    if (driver.mainclass.endsWith('Hungry')) {
      spark.log = `org.apache.spark.SparkException: Job aborted due to stage failure: ExecutorLostFailure (executor 3 exited caused by one of the running tasks) Reason: Command exited with code 52\n`;
      Object.assign(driver, { state: 'FAILED' });
      app.state = 'FINISHED';
    }
    if (driver.mainclass.endsWith('Greedy')) Object.assign(app, { state: 'WAITING', cores: 0 });
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
    failureInLog: /no such column: amuont/,
    shortJob: (key) => spec(key, 'dev.sluice.test.Short'),
    jobsOf: async (key) => [...spark.drivers.values()].filter((driver) => driver.document['key'] === key).length,
    engineLosingItsAnswer: async () => {
      const proxy = await startLossyProxy(spark.url, (request) => request.path.endsWith('/create'));
      return { engine: at(proxy.url), close: () => proxy.close() };
    },
    slowEngine: async () => {
      let posts = 0;
      const proxy = await startProxy(spark.url, ({ path }) =>
        path.endsWith('/create') && ++posts === 1 ? LATE_MS : 'pass',
      );
      return { engine: at(proxy.url, impatient), close: () => proxy.close() };
    },
    submitFromTwoProcesses: { none: 'its objects are in the memory of this process' },
    engineBehindDoor: async () => {
      const door = await startDoor(spark.url);
      const shut = (away: boolean): void => void (door.shut = away);
      return { engine: at(door.url), shut, close: () => door.close() };
    },
    restart: async () => {
      spark.drivers.clear();
      spark.apps.clear();
    },
    failByPlatform: async (key) => {
      // The worker of the driver was lost: the master says ERROR, and the log is gone with the worker.
      spark.log = '';
      for (const driver of spark.drivers.values()) {
        if (driver.document['key'] !== key) continue;
        driver.state = 'ERROR';
        for (const app of spark.apps.values()) if (app.name === driver.appName) app.state = 'FINISHED';
      }
    },
    killByHand: async (_, id) => void (await fetch(`${spark.url}/v1/submissions/kill/${id}`, { method: 'POST' })),
    hungryJob: (key) => ({ spec: spec(key, 'dev.sluice.test.Hungry'), engine: at(spark.url) }),
    greedyJob: (key) => spec(key, 'dev.sluice.test.Greedy'),
    engineAway: async () => at(await closedPort()),
    limitMs: 10_000,
    awayMs,
  });
}

{
  const stateRoot = join(folder, 'streams-host');
  const config = (root: string) => ({
    cluster: 'test',
    stateRoot: root,
    java: join(import.meta.dirname, '../support/fake-jvm.mjs'),
    env: { PATH: process.env['PATH'] ?? '' },
    stopMs: 2_000,
  });
  const at = (root: string) => createKafkaStreamsEngine(config(root), { jars });
  const signalInstance = async (key: string, signal: NodeJS.Signals): Promise<void> => {
    for (const { process: known } of await recordsOf(stateRoot, key)) signalProcess(known?.pid ?? 0, signal);
  };
  const spec = (key: string, mainClass: string) =>
    testSpec('kafka-streams', key, { mainClass, document: { key, groupId: `contract-${key}` } });
  engineContract({
    name: 'Kafka Streams adapter on an imitation',
    stop: () => rm(folder, { recursive: true, force: true }),
    engine: () => at(stateRoot),
    longJob: (key) => spec(key, 'dev.sluice.test.Long'),
    failingJob: (key) => spec(key, 'dev.sluice.test.Broken'),
    failureInLog: /no such column: amuont/,
    jobsOf: async (key) => (await recordsOf(stateRoot, key)).length,
    slowEngine: { none: 'an instance is started by the call itself' },
    submitFromTwoProcesses: (spec, key) =>
      submitFromProcesses({
        engine: { name: 'kafka-streams', config: config(stateRoot) },
        jars: jarPaths,
        spec,
        key,
        limitMs: 10_000,
      }),
    engineBehindDoor: { none: 'the host is this machine' },
    restart: { none: 'the records of a host outlive it' },
    failByPlatform: (key) => signalInstance(key, 'SIGKILL'),
    killByHand: (key) => signalInstance(key, 'SIGTERM'),
    hungryJob: (key) => ({ spec: spec(key, 'dev.sluice.test.Hungry'), engine: at(stateRoot) }),
    greedyJob: { none: 'a host starts what it is asked for' },
    engineAway: async () => at(join(jarPath, 'a-file-is-no-folder')),
    limitMs: 10_000,
    awayMs,
  });
}
