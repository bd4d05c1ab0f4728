/** The instance lock: one living holder whatever the interleaving, and nothing that the dead can keep. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { takeInstanceLock } from '../../../../engines/kafka-streams/instance-lock.js';
import type { LockHolder } from '../../../../engines/kafka-streams/schemas.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const holder = (key: string): LockHolder => ({ key, index: 0, starter: { pid: 1, startTime: 'x' } });

describe('instance lock', () => {
  it('lets exactly one of many contenders in, round after round', async () => {
    let alive = '';
    let winners = 0;
    for (let round = 0; round < 5; round += 1) {
      alive = '';
      const contenders = Array.from({ length: 12 }, (_, index) => `${round}-${index}`);
      const results = await Promise.all(
        contenders.map(async (key) => {
          // A taker is alive from the moment it holds the lock; before that only the earlier rounds' dead are there.
          const result = await takeInstanceLock(folder, holder(key), async (other) =>
            other.key.startsWith(`${round}-`),
          );
          if (result.taken) alive = key;
          return result;
        }),
      );
      const taken = results.filter((result) => result.taken).length;
      assert.equal(taken, 1, `round ${round}`);
      for (const result of results) if (!result.taken) assert.equal(result.holder.key, alive);
      winners += taken;
    }
    assert.equal(winners, 5);
    assert.ok((await readdir(folder)).length <= 4, 'old files do not pile up');
  });

  it('respects a living holder', async () => {
    assert.deepEqual(await takeInstanceLock(folder, holder('a'), async () => true), { taken: true });
    const second = await takeInstanceLock(folder, holder('b'), async () => true);
    assert.deepEqual(second, { taken: false, holder: holder('a') });
  });
});
