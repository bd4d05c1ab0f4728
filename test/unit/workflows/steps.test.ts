/** The pure rules of the workflows: retries, memory, budgets, verdicts, ids, and what people read. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { JOB_STATES, type JobState } from '../../../engines/job-state.js';
import type { Verdict } from '../../../workflows/contracts/curated.js';
import {
  engineJobWorkflowId,
  runWorkflowId,
  streamWorkflowId,
  syncWorkflowId,
  watchWorkflowId,
} from '../../../workflows/contracts/ids.js';
import { engineQueue } from '../../../workflows/contracts/task-queues.js';
import { backoffMs, isTerminalState, nextMemoryFactor, resubmitHelps } from '../../../workflows/steps/job-rules.js';
import { restartDelayMs, withinWindow } from '../../../workflows/steps/restart-budget.js';
import { runDetails } from '../../../workflows/steps/run-details.js';
import { worstVerdict } from '../../../workflows/steps/verdicts.js';
import type { FailureClass, RunPlan } from '../../../workflows/contracts/plans.js';

describe('job rules', () => {
  test('workflows and engines agree on which states are final', () => {
    for (const state of Object.keys(JOB_STATES) as JobState[]) {
      assert.equal(isTerminalState(state), JOB_STATES[state].terminal, state);
    }
  });

  test('another submission helps unless the job itself is at fault or was ended by hand', () => {
    assert.equal(resubmitHelps({ state: 'failed', blame: 'user' }, {}), false);
    assert.equal(resubmitHelps({ state: 'cancelled' }, {}), false);
    for (const blame of ['platform', 'resources'] as const)
      assert.equal(resubmitHelps({ state: 'failed', blame }, {}), true, blame);
    assert.equal(resubmitHelps({ state: 'failed' }, {}), true, 'nobody knows whose fault it was');
    assert.equal(resubmitHelps({ state: 'lost' }, {}), true);
    assert.equal(resubmitHelps({ state: 'succeeded' }, {}), true, 'it left no manifest');
  });

  test('a stage says itself after which failures it is submitted again', () => {
    const helps = (on: FailureClass[]): string[] => {
      const ends = [
        { state: 'failed', blame: 'user' },
        { state: 'failed', blame: 'platform' },
        { state: 'failed', blame: 'resources' },
        { state: 'lost' },
        { state: 'cancelled' },
      ] as const;
      return ends.flatMap((end) => (resubmitHelps(end, { on }) ? ['blame' in end ? end.blame : end.state] : []));
    };
    assert.deepEqual(helps([]), []);
    assert.deepEqual(helps(['user']), ['user']);
    assert.deepEqual(helps(['platform']), ['platform', 'lost']);
    assert.deepEqual(helps(['resources']), ['resources']);
  });

  test('memory rises by half when it ran out, up to four times', () => {
    assert.equal(nextMemoryFactor(1, false, {}), 1);
    const factors = Array.from({ length: 6 }).reduce<number[]>(
      (list) => [...list, nextMemoryFactor(list.at(-1) ?? 1, true, {})],
      [],
    );
    assert.deepEqual(factors, [1.5, 2.25, 3.375, 4, 4, 4]);
    assert.equal(nextMemoryFactor(1, true, { memoryFactor: 2, memoryCap: 3 }), 2);
    assert.equal(nextMemoryFactor(2, true, { memoryFactor: 2, memoryCap: 3 }), 3);
    assert.equal(nextMemoryFactor(4, true, { memoryCap: 3 }), 4, 'it never falls');
    assert.equal(nextMemoryFactor(1, true, { memoryFactor: 1 }), 1, 'a factor of one never raises it');
  });

  test('waits double from the first failure on, up to the limit', () => {
    const waits = [1, 2, 3, 4, 5].map((failures) => backoffMs({ backoffMs: 10_000, maxBackoffMs: 60_000 }, failures));
    assert.deepEqual(waits, [10_000, 20_000, 40_000, 60_000, 60_000]);
    assert.equal(backoffMs({ backoffMs: 10_000, maxBackoffMs: 120_000 }, 2_000), 120_000, 'no overflow');
  });
});

describe('restart budget', () => {
  test('only failures inside the window count', () => {
    assert.deepEqual(withinWindow([0, 400, 401, 1_000], 1_000, 600), [401, 1_000]);
    assert.deepEqual(withinWindow([], 1_000, 600), []);
  });

  test('waits double up to the limit', () => {
    const restart = { backoffMs: 5_000, maxBackoffMs: 60_000 };
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5].map((failures) => restartDelayMs(restart, failures)),
      [5_000, 5_000, 10_000, 20_000, 40_000, 60_000],
    );
  });
});

test('the verdict of a run is the worst of its parts', () => {
  const order: Verdict[] = ['pass', 'warn', 'empty', 'fail', 'error'];
  for (const [a, left] of order.entries()) {
    for (const [b, right] of order.entries())
      assert.equal(worstVerdict(left, right), order[Math.max(a, b)], `${left}, ${right}`);
  }
});

test('ids and queues have the form that people read', () => {
  assert.equal(
    runWorkflowId('top-sales-per-city', '1997-01-01/1998-12-31'),
    'run/top-sales-per-city/1997-01-01_1998-12-31',
  );
  assert.equal(engineJobWorkflowId('run/p/1997-01-02', 'daily'), 'run/p/1997-01-02/daily');
  assert.equal(streamWorkflowId('p', 'live'), 'stream/p/live');
  assert.equal(syncWorkflowId('p', 'city_sales_live'), 'sync/p/city_sales_live');
  assert.equal(watchWorkflowId('flink'), 'watch/flink');
  assert.deepEqual(
    [engineQueue('spark', 'any'), engineQueue('kafka-streams', 'host-1')],
    ['engine-spark', 'streams/host-1'],
  );
});

describe('details of a run', () => {
  const plan = {
    run: { pipeline: 'top-sales-per-city', partition: '1997-01-02' },
    stages: [
      { name: 'daily', engine: 'spark' },
      { name: 'top', engine: 'flink' },
    ],
    tables: [{ table: 'city_sales_daily' }],
  } as unknown as RunPlan;

  test('name every stage and table, with engine, id and link where they are known', () => {
    const progress = { state: 'running', paused: false, stages: { daily: 'running (submission 1)' }, tables: {} };
    const links = new Map([['daily', { engine: 'spark', engineJobId: 'driver-1', link: 'http://spark/driver-1' }]]);
    const lines = runDetails(plan, progress, links).split('\n\n');
    assert.deepEqual(lines.slice(0, 4), [
      '**top-sales-per-city** for **1997-01-02**: **running**',
      '- stage **daily** on spark: running (submission 1), engine id `driver-1` ([open](http://spark/driver-1))',
      '- stage **top** on flink: waiting',
      '- table **city_sales_daily**: waiting',
    ]);
  });

  test('say when a run is paused, and what it waits for', () => {
    const progress = { state: 'claiming', paused: true, stages: {}, tables: {}, note: 'waiting for run/x' };
    const text = runDetails(plan, progress, new Map());
    assert.match(text, /\*\*paused\*\*\n\nwaiting for run\/x\n\n/);
    assert.equal(runDetails(undefined, progress, new Map()), 'Resolving the request.');
  });
});
