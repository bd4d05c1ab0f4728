/** Workflows that are started by hand with a wrong input fail at once and say what would be right. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createFakeActivities, type FakeActivities } from '../support/workflow-activities.js';
import { NO_TEMPORAL, openWorkflowBench, type WorkflowBench } from '../support/workflow-bench.js';
import { failedWith } from '../support/workflow-outcome.js';
import { until, within } from '../support/workflow-until.js';
import { passing } from '../support/workflow-world.js';

/** The right form as the refusal names it. */
const WORKFLOWS: Record<string, RegExp> = {
  streamSupervisor: /\{"pipeline":"top-sales-per-city","stream":"live"\}/,
  curatedSync: /\{"pipeline":"top-sales-per-city","table":"city_sales_live"\}/,
  clusterWatch: /\{"engine":"flink","cluster":"flink"\}/,
  engineJob: /start pipelineRun instead/,
};
const WRONG: unknown[][] = [
  [],
  [{}],
  [null],
  ['text'],
  [[1]],
  [{ pipeline: 7, stream: 'x', table: '', engine: 'flink' }],
  [{ run: {}, stage: { name: 'daily' } }],
];

describe('inputs', { skip: NO_TEMPORAL, concurrency: true }, () => {
  let bench: WorkflowBench;
  let fakes: FakeActivities;
  before(async () => {
    fakes = createFakeActivities(() => bench.client);
    bench = await openWorkflowBench(fakes.activities);
  });
  after(() => bench?.close());

  for (const [type, form] of Object.entries(WORKFLOWS)) {
    test(`${type} refuses what cannot be right`, async () => {
      for (const [index, args] of WRONG.entries()) {
        const handle = await bench.start(type, `wrong/${type}/${index}`, ...args);
        const { code, message } = await within(`${type} ${JSON.stringify(args)}`, failedWith(handle));
        assert.equal(code, 'INVALID_REQUEST', message);
        assert.match(message, form);
      }
    });
  }

  test('an engine that does not exist is refused', async () => {
    const handle = await bench.start('clusterWatch', 'watch/x', { engine: 'storm', cluster: 'x' });
    const { code, message } = await failedWith(handle);
    assert.deepEqual([code, message], ['INVALID_REQUEST', "engine 'storm' is none of flink, spark, kafka-streams"]);
  });

  test('a watch outlives a fault that passes', async () => {
    const world = fakes.world('stumbles');
    world.faults.set('watchCluster', [passing('UNKNOWN', 'TypeError: x')]);
    await bench.start('clusterWatch', 'watch/stumbles', { engine: 'flink', cluster: 'stumbles' });
    await until('the next attempt', () => world.passes === 1);
  });
});
