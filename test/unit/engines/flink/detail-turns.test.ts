/** Turns of detail requests: bounded per interval, fair over many jobs, rarer for old ones. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DetailTurns } from '../../../../engines/flink/detail-turns.js';

describe('turns of detail requests', () => {
  const young = (key: string) => ({ key, startedMs: 0 });

  it('asks a young job every 10 s and an old one every 30 s', () => {
    const turns = new DetailTurns();
    const asked = (startedMs: number): number[] => {
      const times = Array.from({ length: 61 }, (_, second) => 200_000 + second * 1_000);
      return times.filter((ms) => turns.next([{ key: String(startedMs), startedMs }], ms).length > 0);
    };
    assert.deepEqual(
      asked(190_000).map((ms) => ms - 200_000),
      [0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000],
    );
    assert.deepEqual(
      asked(0).map((ms) => ms - 200_000),
      [0, 30_000, 60_000],
    );
  });

  it('lets every job have its turn, two at a time', () => {
    const turns = new DetailTurns();
    const jobs = ['a', 'b', 'c', 'd', 'e'].map(young);
    const rounds = Array.from({ length: 6 }, (_, round) => turns.next(jobs, round * 5_000).join(''));
    assert.deepEqual(rounds, ['ab', 'cd', 'ea', 'bc', 'da', 'eb']);
  });

  it('forgets jobs that are not watched any more', () => {
    const turns = new DetailTurns();
    turns.next([young('a')], 0);
    turns.keepOnly(new Set());
    assert.deepEqual(turns.next([young('a')], 1), ['a']);
  });
});
