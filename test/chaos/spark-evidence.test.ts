/** Two submissions of a stage that worked at the same time are found; others are not. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { worksAtOnce, type SparkAppSeen } from './spark-evidence.js';

const app = (
  id: string,
  key: string,
  startMs: number,
  endMs: number,
  more: Partial<SparkAppSeen> = {},
): SparkAppSeen => ({
  id,
  key,
  name: 'chaos-chain/numbers 2024-01-01',
  jobs: 1,
  startMs,
  endMs,
  ...more,
});

it('finds applications of one stage that overlap under different submissions', () => {
  const pairs = worksAtOnce([app('second', 'b', 50, 150), app('first', 'a', 0, 100), app('third', 'c', 160, 170)]);
  assert.deepEqual(
    pairs.map((pair) => pair.map(({ id }) => id)),
    [['first', 'second']],
  );
});

it('leaves alone what followed, what did nothing, what belongs to another stage, and what has the same submission', () => {
  const first = app('first', 'a', 0, 100);
  assert.deepEqual(worksAtOnce([first, app('next', 'b', 100, 200)]), []);
  assert.deepEqual(worksAtOnce([first, app('idle', 'b', 50, 60, { jobs: 0 })]), []);
  assert.deepEqual(worksAtOnce([first, app('other', 'b', 50, 60, { name: 'chaos-chain/totals 2024-01-01' })]), []);
  assert.deepEqual(worksAtOnce([first, app('twin', 'a', 50, 60)]), []);
});
