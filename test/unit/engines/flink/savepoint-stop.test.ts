/** Stopping a Flink job with a savepoint: long waits, repeats, half success, and refusals that leave the job running. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { createJarCatalog } from '../../../../engines/artifacts.js';
import { createFlinkEngine } from '../../../../engines/flink/engine.js';
import type { EnginePort } from '../../../../engines/port.js';
import { isSluiceError } from '../../../../infra/errors.js';
import { startFakeFlink } from '../../../support/fake-flink-server.js';
import type { FakeFlink } from '../../../support/fake-flink-server.js';
import type { TestRequest } from '../../../support/http-server.js';
import { writeJar } from '../../../support/jars.js';
import { testSpec } from '../../../support/job-specs.js';

const KEY = 'a'.repeat(32);
const TRIGGER = 'f'.repeat(32);
const LOCATION = 's3://flink-sp/sp-4f2a';
const handle = { key: KEY, spec: testSpec('flink', KEY) };

let folder: string;
let flink: FakeFlink;
let engine: EnginePort;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-savepoint-'));
  await writeJar(join(folder, 'jobs.jar'));
});
after(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  flink = await startFakeFlink();
  engine = adapter(10_000);
  await engine.submit(handle.spec, KEY);
});
afterEach(() => flink.close());

function adapter(savepointMs: number): EnginePort {
  const jar = join(folder, 'jobs.jar');
  return createFlinkEngine(
    { cluster: 'test', restUrl: flink.url, lookMs: 5, cancelMs: 200, savepointMs },
    { jars: createJarCatalog({ flink: jar, spark: jar, 'kafka-streams': jar }) },
  );
}

const stops = () => flink.requests.filter(({ path }) => path.endsWith('/stop'));
const looks = () => flink.requests.filter(({ path }) => path.includes('/savepoints/')).length;

function ended(state: 'FINISHED' | 'FAILED', stacktrace?: string): void {
  const word = state === 'FINISHED' ? 'finished' : 'failed';
  const job = flink.jobs.get(KEY);
  assert.ok(job);
  Object.assign(job, { state, tasks: { total: 1, [word]: 1 }, ...(stacktrace === undefined ? {} : { stacktrace }) });
}

function completed(operation: NonNullable<Parameters<FakeFlink['savepoints']['set']>[1]['operation']>): void {
  flink.savepoints.set(TRIGGER, { status: { id: 'COMPLETED' }, operation });
}

const failure = (className: string, stackTrace: string) => ({
  'failure-cause': { class: className, 'stack-trace': stackTrace },
});

/** Lets something happen when the savepoint is looked at for the nth time after it was triggered. */
function atLook(nth: number, happen: () => void): void {
  let seen = 0;
  flink.fault = ({ path }: TestRequest) => {
    if (path.includes('/savepoints/') && flink.savepoints.has(TRIGGER) && ++seen === nth) happen();
    return undefined;
  };
}

describe('Flink adapter: stopping with a savepoint', () => {
  it('waits for savepoint and end, however many looks that takes, and asks under our trigger id', async () => {
    atLook(50, () => {
      completed({ location: LOCATION });
      ended('FINISHED');
    });
    const seen = await engine.stopWithSavepoint(handle, TRIGGER);
    assert.deepEqual([seen.state, seen.restorePoint], ['succeeded', LOCATION]);
    assert.equal(seen.reason, `stopped with a savepoint at ${LOCATION}`);
    assert.deepEqual(JSON.parse(stops()[0]?.body.toString() ?? ''), { drain: false, triggerId: TRIGGER });
    assert.ok(looks() >= 50);
  });

  it('keeps the savepoint of a job that failed while stopping', async () => {
    const trace =
      'java.util.concurrent.CompletionException: org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointStoppingException: ' +
      `A savepoint has been created at: ${LOCATION}, but the corresponding job ${KEY} didn't terminate successfully.\n` +
      '\tat a.B.c(B.java:1)';
    atLook(26, () => {
      completed(
        failure('org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointStoppingException', trace),
      );
      ended('FAILED', 'java.lang.IllegalStateException: the sink did not close\n\tat a');
    });
    const seen = await engine.stopWithSavepoint(handle, TRIGGER);
    assert.deepEqual([seen.state, seen.restorePoint], ['failed', LOCATION]);
    assert.match(
      seen.reason ?? '',
      /^stopped with errors, savepoint available at s3:\/\/flink-sp\/sp-4f2a: IllegalState/,
    );
  });

  it('asks no second time when it is repeated, and goes through an engine that is away for a while', async () => {
    const impatient = adapter(30);
    await assert.rejects(
      impatient.stopWithSavepoint(handle, TRIGGER),
      (error) => isSluiceError(error, 'ENGINE_UNREACHABLE') && error.retryable,
    );
    assert.equal(flink.jobs.get(KEY)?.state, 'RUNNING');
    let away = 0;
    flink.fault = ({ path }: TestRequest) => {
      if (!path.includes('/savepoints/')) return undefined;
      away += 1;
      if (away === 6) {
        completed({ location: LOCATION });
        ended('FINISHED');
      }
      return away > 1 && away < 6 ? { status: 503 } : undefined;
    };
    const seen = await engine.stopWithSavepoint(handle, TRIGGER);
    assert.equal(seen.restorePoint, LOCATION);
    assert.equal(stops().length, 1);
  });

  it('reports a savepoint that failed for good, and lets the job run on', async () => {
    atLook(3, () =>
      completed(
        failure(
          'java.util.concurrent.CompletionException',
          'java.util.concurrent.CompletionException: x\n\tat a\n' +
            'Caused by: org.apache.flink.runtime.checkpoint.CheckpointException: Checkpoint triggering task Source has not being executed',
        ),
      ),
    );
    await assert.rejects(
      engine.stopWithSavepoint(handle, TRIGGER),
      (error) =>
        isSluiceError(error, 'ENGINE_REJECTED') &&
        error.message.includes('CheckpointException: Checkpoint triggering task'),
    );
    assert.equal(flink.jobs.get(KEY)?.state, 'RUNNING');
  });

  it('reports a refusal, as without a folder for savepoints, and lets the job run on', async () => {
    const text =
      'java.util.concurrent.CompletionException: x\nCaused by: java.lang.IllegalStateException: No savepoint directory configured.';
    flink.fault = ({ path }: TestRequest) =>
      path.endsWith('/stop') ? { status: 400, json: { errors: [text] } } : undefined;
    await assert.rejects(
      engine.stopWithSavepoint(handle, TRIGGER),
      (error) => isSluiceError(error, 'ENGINE_REJECTED') && error.message.includes('No savepoint directory configured'),
    );
    assert.equal(flink.jobs.get(KEY)?.state, 'RUNNING');
  });

  it('asks for none of a job that has ended or is unknown', async () => {
    ended('FINISHED');
    assert.equal((await engine.stopWithSavepoint(handle, TRIGGER)).state, 'succeeded');
    const unknown = { key: 'b'.repeat(32), spec: handle.spec };
    assert.equal((await engine.stopWithSavepoint(unknown, TRIGGER)).nativeState, 'NOT_FOUND');
    assert.equal(stops().length, 0);
  });
});
