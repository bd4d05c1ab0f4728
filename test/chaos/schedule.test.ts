/** A seed draws the same faults again, twenty rounds meet every kind, and no two faults of a round are in each other's way. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseOptions } from './options.js';
import { drawSchedule, FAULTS, targets } from './schedule.js';

describe('chaos schedule', () => {
  it('is the same for the same seed and another for another', () => {
    assert.deepEqual(drawSchedule(5, 20), drawSchedule(5, 20));
    assert.notDeepEqual(drawSchedule(5, 20), drawSchedule(6, 20));
  });

  it('meets every fault and every kind of run within twenty rounds, whatever the seed', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const rounds = drawSchedule(seed, 20);
      const names = new Set(rounds.flatMap(({ faults }) => faults.map(({ name }) => name)));
      assert.deepEqual(
        [...new Set(FAULTS)].filter((name) => !names.has(name)),
        [],
        `seed ${seed}`,
      );
      const kinds = new Set(rounds.flatMap(({ runs }) => runs.map(({ kind }) => kind)));
      assert.equal(kinds.size, 4, `seed ${seed}`);
    }
  });

  it('gives every run a day of its own, and a round one to three faults of different targets', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const rounds = drawSchedule(seed, 20);
      const days = rounds.flatMap(({ runs }) => runs.map(({ day }) => day));
      assert.equal(new Set(days).size, days.length);
      for (const { faults } of rounds) {
        assert.ok(faults.length >= 1 && faults.length <= 3);
        const all = faults.flatMap(({ name }) => targets(name));
        assert.equal(new Set(all).size, all.length, `seed ${seed}: ${all.join(', ')}`);
      }
    }
  });
});

describe('chaos options', () => {
  it('reads what is asked', () => {
    assert.deepEqual(parseOptions(['engines', '--rounds', '3', '--seed', '9', '--json', '--keep']), {
      rounds: 3,
      seed: 9,
      json: true,
      keep: true,
    });
    assert.equal(parseOptions(['engines']).rounds, 20);
  });

  for (const args of [[], ['disks'], ['engines', '--rounds'], ['engines', '--rounds', '0'], ['engines', '--quick']]) {
    it(`refuses '${args.join(' ')}'`, () => assert.throws(() => parseOptions(args), /usage/));
  }
});
