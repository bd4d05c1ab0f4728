/** Rules of the watch loop without a database: which observations are written, and how a pass may fail. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { worthWriting } from '../../../activities/watch-changes.js';
import { retryableFailure } from '../../../activities/watch-failures.js';
import type { Observation } from '../../../engines/port.js';
import { SluiceError } from '../../../infra/errors.js';
import type { EngineJobRow } from '../../../infra/postgres/engine-jobs.js';

const WRITTEN = '2026-01-01T00:00:00Z';
const row = {
  state: 'running',
  native_state: 'RUNNING',
  restore_point: 'file:///cp/1',
  restarts: 0,
  link: 'http://127.0.0.1/1',
  progress: { cores: 2, application: 'app-1', uptimeMs: 5 },
  observed_at: WRITTEN,
} as unknown as EngineJobRow;
const worth = (seen: Partial<Observation>, afterMs = 0, before: Partial<EngineJobRow> = {}): boolean =>
  worthWriting(
    { ...row, ...before },
    { key: 'k', state: 'running', nativeState: 'RUNNING', ...seen },
    Date.parse(WRITTEN) + afterMs,
  );

describe('what is written of an observation', () => {
  test('nothing when it says nothing new: not the order of keys, not the uptime, not what it leaves out', () => {
    assert.equal(worth({}, 60_000), false);
    assert.equal(worth({ progress: { application: 'app-1', cores: 2, uptimeMs: 9_000 } }, 60_000), false);
  });

  test('a change of state, restarts, restore point or link at once', () => {
    const changes = [
      { state: 'restarting' },
      { nativeState: 'DEPLOYING' },
      { restarts: 1 },
      { restorePoint: 'file:///cp/2' },
      { link: 'http://127.0.0.1/2' },
    ] as const;
    for (const change of changes) assert.equal(worth(change), true, JSON.stringify(change));
  });

  test('mere progress after 10 s, or when nothing was written yet', () => {
    const progress = { application: 'app-1', cores: 3 };
    assert.equal(worth({ progress }, 9_999), false);
    assert.equal(worth({ progress }, 10_000), true);
    assert.equal(worth({ progress }, 0, { progress: null, observed_at: null }), true);
  });
});

describe('how a pass of the watcher fails', () => {
  test('always so that it is tried again', () => {
    const refused = Object.assign(new Error('relation is missing'), { severity: 'ERROR', code: '42P01' });
    for (const error of [
      refused,
      new SluiceError('CONFIG_INVALID', 'no engine'),
      new SluiceError('STORE_REJECTED', 'x'),
    ]) {
      const failure = retryableFailure(error);
      assert.ok(failure instanceof SluiceError && failure.retryable);
    }
  });

  test('what is retryable already and what nobody knows pass through', () => {
    for (const error of [new TypeError('x'), new SluiceError('STORE_UNREACHABLE', 'x')]) {
      assert.equal(retryableFailure(error), error);
    }
  });
});
