/** Ending a stream with a savepoint: one savepoint however often it is asked for, and an end even without one. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stopTriggerId, stopWithSavepoint } from '../../../activities/savepoint-stop.js';
import type { EnginePort, Observation } from '../../../engines/port.js';
import { SluiceError } from '../../../infra/errors.js';
import { createFakeEngine, FakeCluster } from '../../support/fake-engine.js';
import { testSpec } from '../../support/job-specs.js';

const KEY = 'a'.repeat(32);
const signal = new AbortController().signal;

async function running(): Promise<{
  cluster: FakeCluster;
  port: EnginePort;
  handle: Parameters<EnginePort['cancel']>[0];
}> {
  const cluster = new FakeCluster();
  const port = createFakeEngine(cluster);
  const spec = testSpec('flink', KEY);
  await port.submit(spec, KEY);
  return { cluster, port, handle: { key: KEY, spec } };
}

const stopping = (port: EnginePort, answer: () => Promise<Observation>): { port: EnginePort; triggers: string[] } => {
  const triggers: string[] = [];
  const stop: EnginePort['stopWithSavepoint'] = (_, triggerId) => {
    triggers.push(triggerId);
    return answer();
  };
  return { port: { ...port, stopWithSavepoint: stop }, triggers };
};

describe('stop with a savepoint', () => {
  test('asks with the same trigger id for the same submission, and with another for another', () => {
    assert.match(stopTriggerId(KEY), /^[0-9a-f]{32}$/);
    assert.equal(stopTriggerId(KEY), stopTriggerId(KEY));
    assert.notEqual(stopTriggerId(KEY), stopTriggerId('b'.repeat(32)));
  });

  test('a refusal ends the job from its newest checkpoint, and says why there is no savepoint', async () => {
    const { cluster, port, handle } = await running();
    const refusing = stopping(port, () => Promise.reject(new SluiceError('ENGINE_REJECTED', 'no savepoint directory')));
    const ended = await stopWithSavepoint(refusing.port, handle, signal);
    assert.deepEqual(
      [ended.state, ended.reason],
      ['cancelled', 'stopped without a savepoint (no savepoint directory)'],
    );
    assert.equal(cluster.jobs.get(KEY)?.observation.state, 'cancelled');
    assert.deepEqual(refusing.triggers, [stopTriggerId(KEY)]);
  });

  test('an engine that is away keeps its job: the savepoint may be under way', async () => {
    const { cluster, port, handle } = await running();
    const away = stopping(port, () => Promise.reject(new SluiceError('ENGINE_UNREACHABLE', 'connection reset')));
    await assert.rejects(stopWithSavepoint(away.port, handle, signal), { code: 'ENGINE_UNREACHABLE' });
    assert.equal(cluster.jobs.get(KEY)?.observation.state, 'running');
  });
});
