/** The Kafka Streams adapter with real processes (an imitation of the JVM): twins, crashes, reused pids, interrupted starts, stops. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { createJarCatalog } from '../../../../engines/artifacts.js';
import { createKafkaStreamsEngine } from '../../../../engines/kafka-streams/engine.js';
import { identityOf, isSameProcess, signalProcess } from '../../../../engines/kafka-streams/processes.js';
import type { InstanceRecord } from '../../../../engines/kafka-streams/schemas.js';
import { allRecords, recordsFolder, recordsOf, writeRecord } from '../../../../engines/kafka-streams/state-files.js';
import type { EnginePort, JobHandle, JobSpec, Observation } from '../../../../engines/port.js';
import { waitFor } from '../../../../engines/waiting.js';
import { isSluiceError } from '../../../../infra/errors.js';
import { writeJar } from '../../../support/jars.js';
import { testSpec } from '../../../support/job-specs.js';

const FAKE_JVM = join(import.meta.dirname, '../../../support/fake-jvm.mjs');
const KEY = 'a'.repeat(32);
const NEXT = 'b'.repeat(32);
const NO_PROCESS = { pid: 999_999, startTime: 'never' };

let folder: string;
let stateRoot: string;
let engine: EnginePort;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-streams-'));
  await writeJar(join(folder, 'jobs.jar'));
});
after(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  stateRoot = await mkdtemp(join(folder, 'host-'));
  engine = adapter();
});
afterEach(async () => {
  for (const key of (await allRecords(stateRoot)).keys()) await engine.cancel(handle(key));
});

function adapter(): EnginePort {
  const jar = join(folder, 'jobs.jar');
  return createKafkaStreamsEngine(
    {
      cluster: 'test',
      stateRoot,
      java: FAKE_JVM,
      env: { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8' },
      stopMs: 700,
    },
    { jars: createJarCatalog({ flink: jar, spark: jar, 'kafka-streams': jar }) },
  );
}

/** All specs are of one application, as generations of one stream are. */
const spec = (key: string, mainClass = 'Long', more: Partial<JobSpec> = {}): JobSpec =>
  testSpec('kafka-streams', key, {
    mainClass: `dev.sluice.test.${mainClass}`,
    document: { key, groupId: 'sluice-p-live' },
    ...more,
  });
const handle = (key: string, mainClass?: string): JobHandle => ({ key, spec: spec(key, mainClass) });

async function until(key: string, wanted: (seen: Observation) => boolean): Promise<Observation> {
  let last: Observation | undefined;
  const seen = await waitFor(
    async () => {
      last = await engine.observe(handle(key));
      return wanted(last) ? last : undefined;
    },
    { deadlineMs: 10_000, intervalMs: 20 },
  );
  assert.ok(seen, JSON.stringify(last));
  return seen;
}

const running = (seen: Observation) => seen.state === 'running';
const oneRecord = async (key: string): Promise<InstanceRecord> => {
  const [record] = await recordsOf(stateRoot, key);
  assert.ok(record);
  return record;
};

describe('Kafka Streams adapter: starting', () => {
  it('shows state, lag and uptime of the status page', async () => {
    await engine.submit(spec(KEY), KEY);
    const seen = await until(KEY, running);
    assert.equal(seen.progress?.['lag'], 5);
    assert.equal(seen.progress?.['instances'], 1);
    assert.equal(typeof seen.progress?.['uptimeMs'], 'number');
    assert.match(seen.link ?? '', /^http:\/\/127\.0\.0\.1:\d+\/$/);
    const record = await oneRecord(KEY);
    assert.equal(seen.engineJobId, `${record.process?.pid}@test`);
    assert.equal(record.instanceId, 'sluice-p-live-0');
  });

  it('runs all instances, and goes on degraded when one is gone', async () => {
    const two = spec(KEY, 'Long', { resources: { instances: 2 } });
    await engine.submit(two, KEY);
    await until(KEY, (seen) => running(seen) && seen.progress?.['instances'] === 2);
    const [first] = await recordsOf(stateRoot, KEY);
    signalProcess(first?.process?.pid ?? 0, 'SIGKILL');
    const degraded = await until(KEY, (seen) => seen.reason !== undefined);
    assert.equal(degraded.state, 'running');
    assert.match(degraded.reason ?? '', /1 of 2 instances gone/);
  });

  it('passes no secret of its own environment on', async () => {
    process.env['SLUICE_TEST_CANARY'] = 'c4n4ry';
    await engine.submit(spec(KEY), KEY);
    await until(KEY, running);
    const { process: child } = await oneRecord(KEY);
    if (process.platform === 'linux') {
      assert.doesNotMatch(await readFile(`/proc/${child?.pid}/environ`, 'utf8'), /c4n4ry/);
    }
    delete process.env['SLUICE_TEST_CANARY'];
  });

  it('refuses a twin of the same application instance while the first lives, and starts it afterwards', async () => {
    await engine.submit(spec(KEY), KEY);
    await until(KEY, running);
    await assert.rejects(
      adapter().submit(spec(NEXT), NEXT),
      (error) => isSluiceError(error, 'JOB_NOT_READY') && error.details['heldBy'] === KEY,
    );
    assert.deepEqual(await recordsOf(stateRoot, NEXT), [], 'nothing was started');
    await engine.cancel(handle(KEY));
    await adapter().submit(spec(NEXT), NEXT);
    await until(NEXT, running);
  });

  it('ends a predecessor that stands in ERROR before it takes its place', async () => {
    await engine.submit(spec(KEY, 'Stuck'), KEY);
    const stuck = await until(KEY, (seen) => seen.state === 'failed');
    assert.equal(stuck.nativeState, 'ERROR');
    assert.equal(stuck.reason, 'dev.sluice.BadRecord (sales.raw-2@17)');
    const { process: old } = await oneRecord(KEY);
    await engine.submit(spec(NEXT), NEXT);
    await until(NEXT, running);
    assert.equal(await isSameProcess(old ?? NO_PROCESS), false);
  });

  it('finds a process whose start was never noted, and starts no second one', async () => {
    const statusFile = join(recordsFolder(stateRoot), `${KEY}-0.status`);
    await writeRecord(stateRoot, { ...intent(KEY), statusFile });
    const args = [
      `-Dsluice.key=${KEY}`,
      '-Dsluice.instance=0',
      'dev.sluice.test.Long',
      '--spec',
      JSON.stringify({ statusFile }),
    ];
    const orphan = spawn(FAKE_JVM, args, { detached: true, stdio: 'ignore' });
    const seen = await until(KEY, (one) => one.nativeState !== 'NOT_FOUND');
    assert.equal(seen.engineJobId, `${orphan.pid}@test`);
    await engine.submit(spec(KEY), KEY);
    assert.equal((await oneRecord(KEY)).process, undefined, 'the intent was left as it is');
    const ended = await engine.cancel(handle(KEY));
    assert.equal(ended.state, 'cancelled');
    assert.equal(await identityOf(orphan.pid ?? 0), undefined);
  });

  it('starts what an interrupted call only intended', async () => {
    await writeRecord(stateRoot, intent(KEY));
    assert.equal((await engine.observe(handle(KEY))).nativeState, 'NOT_FOUND');
    await engine.submit(spec(KEY), KEY);
    await until(KEY, running);
  });

  it('names a missing java at once', async () => {
    const jar = join(folder, 'jobs.jar');
    const without = createKafkaStreamsEngine(
      { cluster: 'test', stateRoot, java: join(folder, 'no-java'), env: {} },
      { jars: createJarCatalog({ flink: jar, spark: jar, 'kafka-streams': jar }) },
    );
    await assert.rejects(without.submit(spec(KEY), KEY), (error) => isSluiceError(error, 'CONFIG_INVALID'));
    await engine.submit(spec(KEY), KEY);
    await until(KEY, running);
  });
});

describe('Kafka Streams adapter: ending', () => {
  it('calls a killed process failed by the platform, and does not start it again under the same key', async () => {
    await engine.submit(spec(KEY), KEY);
    await until(KEY, running);
    const { process: child } = await oneRecord(KEY);
    signalProcess(child?.pid ?? 0, 'SIGKILL');
    const seen = await until(KEY, (one) => one.state === 'failed');
    assert.equal(seen.blame, 'platform');
    assert.match(seen.reason ?? '', /the process ended \(SIGKILL\)/);
    assert.equal((await engine.submit(spec(KEY), KEY)).state, 'failed');
  });

  it('explains an end by exit code and log', async () => {
    await engine.submit(spec(KEY, 'Refused'), KEY);
    const refused = await until(KEY, (one) => one.state === 'failed');
    assert.equal(refused.blame, 'user');
    assert.match(refused.reason ?? '', /ended \(64\): refused: outputs must name a topic/);
    await engine.submit(spec(NEXT, 'Broken'), NEXT);
    const broken = await until(NEXT, (one) => one.state === 'failed');
    assert.equal(broken.blame, 'user');
    assert.match(broken.reason ?? '', /IllegalStateException: no such column: amuont/);
    assert.match(await engine.logs(handle(NEXT), 10_000), /Broken\.main/);
  });

  it('believes the exit code and the signal, not an old trace in the log', async () => {
    await engine.submit(spec(KEY, 'Hungry'), KEY);
    const hungry = await until(KEY, (one) => one.state === 'failed');
    assert.deepEqual([hungry.blame, hungry.outOfMemory], ['resources', true]);
    assert.match(hungry.reason ?? '', /ended \(3\): OutOfMemoryError: Java heap space/);
    await engine.submit(spec(NEXT, 'Killed'), NEXT);
    const killed = await until(NEXT, (one) => one.state === 'failed');
    assert.deepEqual([killed.blame, killed.outOfMemory], ['platform', false]);
    assert.equal(killed.reason, 'the process ended (SIGKILL)');
  });

  it('refuses a jar without the main class before it keeps or starts anything, and needs no jar for what runs', async () => {
    await engine.submit(spec(KEY), KEY);
    await until(KEY, running);
    const jar = join(folder, 'classless.jar');
    await writeJar(jar, ['a.Other']);
    const other = createKafkaStreamsEngine(
      { cluster: 'test', stateRoot, java: FAKE_JVM, env: { PATH: process.env['PATH'] ?? '' } },
      { jars: createJarCatalog({ flink: jar, spark: jar, 'kafka-streams': jar }) },
    );
    const fresh = spec(NEXT, 'Long', { document: { groupId: 'sluice-other' } });
    await assert.rejects(
      other.submit(fresh, NEXT),
      (error) => isSluiceError(error, 'ENGINE_REJECTED') && !error.retryable && error.message.includes(jar),
    );
    assert.deepEqual(await recordsOf(stateRoot, NEXT), []);
    assert.equal((await other.submit(spec(KEY), KEY)).state, 'running');
  });

  it('insists when a process ignores the request to end', async () => {
    await engine.submit(spec(KEY, 'Stubborn'), KEY);
    await until(KEY, running);
    const { process: child } = await oneRecord(KEY);
    const ended = await engine.cancel(handle(KEY));
    assert.deepEqual([ended.state, ended.reason], ['cancelled', 'stopped on request']);
    assert.equal(await isSameProcess(child ?? NO_PROCESS), false);
  });

  it('never touches a process that only has the same number', async () => {
    const bystander = spawn('sleep', ['60'], { stdio: 'ignore' });
    const pid = bystander.pid ?? 0;
    try {
      const real = await identityOf(pid);
      assert.ok(real);
      await writeRecord(stateRoot, { ...intent(KEY), process: { pid, startTime: 'another life' } });
      await writeRecord(stateRoot, { ...intent(NEXT), process: real });
      for (const key of [KEY, NEXT]) {
        assert.equal((await engine.observe(handle(key))).state, 'failed', 'its own process is gone');
        await engine.cancel(handle(key));
      }
      assert.equal(await isSameProcess(real), true);
    } finally {
      bystander.kill('SIGKILL');
    }
  });
});

function intent(key: string): InstanceRecord {
  const base = join(recordsFolder(stateRoot), `${key}-0`);
  return {
    key,
    index: 0,
    applicationId: 'sluice-p-live',
    instanceId: 'sluice-p-live-0',
    name: 'x',
    intentAt: new Date().toISOString(),
    starter: NO_PROCESS,
    logFile: `${base}.log`,
    statusFile: `${base}.status`,
  };
}
