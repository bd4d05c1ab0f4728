/** What wakes a watcher early: one notification of its own cluster, and not twice in a row. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, test } from 'node:test';
import type pg from 'pg';
import { createWakeUp } from '../../../activities/watch-wake-up.js';

/** The driver's client as far as a wake-up uses it. */
class ListeningClient extends EventEmitter {
  static newest: ListeningClient;
  constructor() {
    super();
    ListeningClient.newest = this;
  }
  connect = () => Promise.resolve();
  query = () => Promise.resolve();
  end = () => Promise.resolve();
}

const LONG_MS = 600_000;

async function listening() {
  const wakeUp = await createWakeUp('postgres://127.0.0.1/x', 'spark', ListeningClient as unknown as typeof pg.Client);
  const client = ListeningClient.newest;
  return { wakeUp, notify: (payload: string) => client.emit('notification', { payload }) };
}

describe('wake-up of a watcher', () => {
  test('a notification of its cluster ends the wait, one of another does not', async () => {
    const { wakeUp, notify } = await listening();
    const abort = new AbortController();
    let ended = false;
    const waiting = wakeUp.wait(LONG_MS, abort.signal).finally(() => (ended = true));
    notify('flink');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(ended, false);
    notify('spark');
    assert.equal(await waiting, true);
  });

  test('a crowd of notifications wakes it once; after a whole interval it may be woken again', async () => {
    const { wakeUp, notify } = await listening();
    const { signal } = new AbortController();
    const first = wakeUp.wait(LONG_MS, signal);
    notify('spark');
    assert.equal(await first, true);
    const second = wakeUp.wait(20, signal);
    for (let sent = 0; sent < 50; sent += 1) notify('spark');
    assert.equal(await second, false, 'it waited for its interval');
    const third = wakeUp.wait(LONG_MS, signal);
    notify('spark');
    assert.equal(await third, true);
  });

  test('an abort ends it at once, before and during the wait', async () => {
    const { wakeUp } = await listening();
    const abort = new AbortController();
    const waiting = wakeUp.wait(LONG_MS, abort.signal);
    abort.abort();
    assert.equal(await waiting, false);
    assert.equal(await wakeUp.wait(LONG_MS, abort.signal), false);
  });
});
