/** Recorded histories still fit the workflow code; a history that does not fit is noticed. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { ReplayResult } from '@temporalio/worker';
import { installQuietRuntime } from '../support/workflow-bench.js';
import { readHistories, replay, type RecordedHistory } from '../support/workflow-replay.js';

const WORKFLOWS = ['cluster-watch', 'curated-sync', 'engine-job', 'pipeline-run', 'reconcile', 'stream-supervisor'];

/** The same history with every occurrence of a text replaced. */
const altered = (recorded: RecordedHistory, from: string, to: string): RecordedHistory => {
  const text = JSON.stringify(recorded.history);
  assert.ok(text.includes(from), `${recorded.name} has no ${from}`);
  return { ...recorded, history: JSON.parse(text.replaceAll(from, to)) as unknown };
};

describe('replay', () => {
  let histories: RecordedHistory[];
  let results: ReplayResult[];
  before(async () => {
    installQuietRuntime();
    histories = await readHistories();
    results = await replay(histories);
  });

  const named = (name: string): RecordedHistory => {
    const found = histories.find((one) => one.name === name);
    assert.ok(found, `no history ${name}`);
    return found;
  };

  test('every workflow has a history', () => {
    for (const workflow of WORKFLOWS)
      assert.ok(
        histories.some(({ name }) => name.startsWith(workflow)),
        workflow,
      );
  });

  test('every recorded history fits', () => {
    const wrong = results.flatMap(({ error }, index) => (error ? [`${histories[index]?.name}: ${error.message}`] : []));
    assert.deepEqual(wrong, []);
    assert.equal(results.length, histories.length);
  });

  test('histories tell nothing of the machine that recorded them', () => {
    for (const { name, history } of histories) {
      const text = JSON.stringify(history);
      const identities = new Set([...text.matchAll(/"identity":"([^"]*)"/g)].map(([, identity]) => identity));
      assert.deepEqual(
        [...identities].filter((identity) => !/^(sluice-test|history-service)?$/.test(identity ?? '')),
        [],
        name,
      );
      assert.doesNotMatch(text, /\/(home|tmp|root|Users|work)\//, name);
    }
  });

  test('a history of another activity does not fit', async () => {
    const [result] = await replay([
      altered(named('pipeline-run-succeeded'), '"name":"publishTable"', '"name":"publishRows"'),
    ]);
    assert.match(String(result?.error), /[Nn]ondeterminism/);
  });

  test('a history of another first step does not fit', async () => {
    const [result] = await replay([
      altered(named('engine-job-succeeded'), '"name":"prepareSubmission"', '"name":"submitJob"'),
    ]);
    assert.match(String(result?.error), /[Nn]ondeterminism/);
  });
});
