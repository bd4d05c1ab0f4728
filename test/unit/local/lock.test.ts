/** The lock between processes: one holder at a time, and none that has ended. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { withLock } from '../../../infra/local/lock.js';
import { folder } from './folder.js';

test('actions under one lock never overlap', async (t) => {
  const file = join(await folder(t), 'a.lock');
  let inside = 0;
  let most = 0;
  const action = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 4 }, async () => withLock(file, action)));
  assert.equal(most, 1);
});

test('the lock of a process that has ended is void, also when many find it at once', async (t) => {
  const dir = await folder(t);
  const file = join(dir, 'a.lock');
  await writeFile(file, JSON.stringify({ pid: process.pid, startTime: 'an earlier process of this number' }));
  const order: number[] = [];
  await Promise.all([1, 2, 3].map(async (n) => withLock(file, async () => void order.push(n))));
  assert.deepEqual(order.sort(), [1, 2, 3]);
  assert.deepEqual(await readdir(dir), []);
});

test('who waits is told once, and gives up after the deadline', async (t) => {
  const file = join(await folder(t), 'a.lock');
  const told: number[] = [];
  await withLock(file, async () => {
    const waiting = withLock(file, async () => undefined, { timeoutMs: 50, onWait: (pid) => told.push(pid) });
    await assert.rejects(waiting, { code: 'LOCAL_STACK' });
  });
  assert.deepEqual(told, [process.pid]);
});

test('the lock is given back when the action fails', async (t) => {
  const file = join(await folder(t), 'a.lock');
  await assert.rejects(
    withLock(file, async () => Promise.reject(new Error('no'))),
    /no/,
  );
  assert.equal(await withLock(file, async () => 'free'), 'free');
});
