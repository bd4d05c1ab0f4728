/** Bad input of a run: each is refused for good, with a message that says what would be right. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readRunRequest, typedParams } from '../../../activities/requests.js';
import { toFailure } from '../../../activities/failures.js';
import { planOfRun } from '../../../activities/plan-of-run.js';
import { loadPipeline } from '../../../pipelines/load.js';
import { PIPELINES } from '../../support/workflow-deps.js';

const NOW_MS = Date.UTC(2024, 5, 15, 12);
const DAY = '1998-03-14';
const read = (input: unknown) => readRunRequest(input, { pipelinesDir: PIPELINES, nowMs: NOW_MS });

const REFUSED: readonly [what: string, input: unknown, says: RegExp][] = [
  ['no input', undefined, /the input is empty: give one JSON object such as \{"pipeline"/],
  ['null', null, /the input is empty/],
  [
    'an array',
    [{ pipeline: 'top-sales-per-city', partition: DAY }],
    /the input is an array: give one JSON object such as/,
  ],
  ['a text', 'top-sales-per-city', /the input is a string: give one JSON object/],
  ['a number', 7, /the input is a number/],
  ['an empty object', {}, /pipeline is missing or no text; known: top-sales-per-city, top-salesman-in-country/],
  ['an empty name', { pipeline: '', partition: DAY }, /known: top-sales-per-city/],
  ['a name of another type', { pipeline: 5, partition: DAY }, /known: top-sales-per-city/],
  [
    'an unknown pipeline',
    { pipeline: 'top-sale-per-city', partition: DAY },
    /unknown pipeline 'top-sale-per-city' \(did you mean 'top-sales-per-city'\?\)/,
  ],
  ['a folder above', { pipeline: '../pipelines/top-sales-per-city', partition: DAY }, /unknown pipeline/],
  [
    'a misspelt key',
    { pipeline: 'top-sales-per-city', partiton: DAY },
    /unknown key 'partiton' \(did you mean 'partition'\?\); known: pipeline, partition/,
  ],
  [
    'no partition',
    { pipeline: 'top-sales-per-city' },
    /partition is missing or no text: want a day such as '1998-03-14'/,
  ],
  [
    'a day that does not exist',
    { pipeline: 'top-sales-per-city', partition: '1998-02-30' },
    /1998-02-30 does not exist: the last day of 1998-02 is 1998-02-28/,
  ],
  ['a malformed day', { pipeline: 'top-sales-per-city', partition: '14.03.1998' }, /want a day such as '1998-03-14'/],
  [
    'one digit',
    { pipeline: 'top-sales-per-city', partition: '1998-3-4' },
    /write month and day with two digits: '1998-03-04'/,
  ],
  [
    'tomorrow',
    { pipeline: 'top-sales-per-city', partition: '2024-06-16' },
    /2024-06-16 is in the future: today is 2024-06-15 in UTC/,
  ],
  [
    'a range that ends tomorrow',
    { pipeline: 'top-sales-per-city', partition: '2024-06-01/2024-06-17' },
    /2024-06-16 is in the future/,
  ],
  [
    'a range backwards',
    { pipeline: 'top-sales-per-city', partition: '1998-03-14/1998-03-01' },
    /write '1998-03-01\/1998-03-14'/,
  ],
  [
    'an unknown parameter',
    { pipeline: 'top-sales-per-city', partition: DAY, params: { history_day: 7 } },
    /unknown parameter 'history_day' \(/,
  ],
  [
    'parameters as an array',
    { pipeline: 'top-sales-per-city', partition: DAY, params: [1] },
    /params must be an object/,
  ],
  [
    'an unknown trigger',
    { pipeline: 'top-sales-per-city', partition: DAY, trigger: 'cron' },
    /trigger must be one of ui, schedule, api, backfill/,
  ],
  [
    '300 KiB',
    { pipeline: 'x'.repeat(300 * 1024), partition: DAY },
    /the input has 3\d{5} bytes; at most 262144 are allowed/,
  ],
];

describe('a request that cannot be right', () => {
  for (const [what, input, says] of REFUSED) {
    test(`${what} is refused`, async () => {
      await assert.rejects(read(input), (error: Error) => {
        assert.match(error.message, says);
        assert.ok(error.message.length < 1_000, 'the message stays readable');
        const failure = toFailure(error) as { type: string; nonRetryable: boolean };
        assert.deepEqual([failure.type, failure.nonRetryable], ['INVALID_REQUEST', true]);
        return true;
      });
    });
  }
});

describe('a request that is right', () => {
  test('the smallest one is enough', async () => {
    const request = await read({ pipeline: 'top-sales-per-city', partition: DAY });
    assert.deepEqual(request.partition, { text: DAY, kind: 'day', from: DAY, to: '1998-03-15' });
    assert.deepEqual([request.params, request.trigger], [{}, 'ui']);
  });

  test('today may be run, and a range of one day is the day', async () => {
    assert.equal((await read({ pipeline: 'top-sales-per-city', partition: '2024-06-15' })).partition.kind, 'day');
    const { partition } = await read({ pipeline: 'top-sales-per-city', partition: '1998-03-14/1998-03-15' });
    assert.deepEqual([partition.kind, partition.text], ['day', DAY]);
  });

  test('parameters typed on a command line get their declared types; wrong ones stay to be refused by name', async () => {
    const loaded = await loadPipeline(PIPELINES, 'top-sales-per-city');
    const pipeline = {
      ...loaded,
      params: { history_days: { type: 'int' as const }, dry: { type: 'boolean' as const } },
    };
    assert.deepEqual(typedParams(pipeline, { dry: 'true' }), { dry: true });
    assert.deepEqual(typedParams(pipeline, { history_days: '9', other: '9' }), { history_days: 9, other: '9' });
    assert.deepEqual(typedParams(pipeline, { history_days: 'nine' }), { history_days: 'nine' });
    assert.deepEqual(typedParams(pipeline, { history_days: ' ' }), { history_days: ' ' });
  });
});

test('the plan holds everything that the run needs, and survives JSON', async () => {
  const request = await read({
    pipeline: 'top-sales-per-city',
    partition: '1997-01-01/1998-12-31',
    trigger: 'backfill',
  });
  const identity = { workflowId: 'run/x', firstRunId: 'f', runId: 'r', lineageRunId: 'l' };
  const plan = planOfRun(request, identity, { flink: 'flink-1', spark: 'spark-1', 'kafka-streams': 'host-1' });
  assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
  assert.deepEqual(
    [plan.run.from, plan.run.to, plan.run.trigger, plan.run.specHash],
    ['1997-01-01', '1998-12-31', 'backfill', request.pipeline.specHash],
  );
  const [daily] = plan.stages;
  assert.deepEqual([daily?.name, daily?.engine, daily?.cluster], ['daily', 'spark', 'spark-1']);
  assert.match(daily?.job.sql ?? '', /select/i);
  assert.deepEqual(daily?.inputs, [{ name: 'sales', dataset: 'lake/sales' }]);
  assert.deepEqual(
    plan.tables.map(({ table, stage, grain }) => [table, stage, grain]),
    [['city_sales_daily', 'daily', 'day']],
  );
  assert.ok(plan.comparisons.length > 0);
  for (const { check } of plan.comparisons) assert.equal(check['type'], 'reconcile');
  for (const table of plan.tables) for (const check of table.checks) assert.notEqual(check['type'], 'reconcile');
  assert.ok(Buffer.byteLength(JSON.stringify(plan)) < 64 * 1024, 'small enough for a history');
});
