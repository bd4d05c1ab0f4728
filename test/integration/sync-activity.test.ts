/** The activity around the copying, and the mode in which a record replaces a whole group of rows. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { Message } from 'kafkajs';
import { createSyncActivities } from '../../activities/sync.js';
import type { SyncProgress, SyncTopicInput } from '../../workflows/contracts/sync.js';
import { PIPELINE, openStage, skip, storedOffsets, type Stage } from './sync-support.js';

function ranking(country: string, ...rows: [employee: string, sales: string, rank: number][]): Message {
  return {
    key: JSON.stringify({ country }),
    value: JSON.stringify({
      country,
      rows: rows.map(([employee_key, sales, rank]) => ({ country, employee_key, sales, rank })),
    }),
  };
}

function run(environment: MockActivityEnvironment, copy: () => Promise<SyncProgress>): Promise<SyncProgress> {
  return environment.run<[], SyncProgress, () => Promise<SyncProgress>>(copy);
}

describe('syncTopic activity', { skip }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
    await stage.pool.query(
      `create table curated.ranking (country text, employee_key text, sales numeric(18,4), rank bigint,
         primary key (country, employee_key))`,
    );
  });
  after(() => stage?.close());

  function input(topic: string): SyncTopicInput {
    return {
      pipeline: PIPELINE,
      table: 'ranking',
      topic,
      columns: { country: 'text', employee_key: 'text', sales: 'numeric(18,4)', rank: 'bigint' },
      key: ['country', 'employee_key'],
      mode: 'upsert',
      replaceBy: ['country'],
    };
  }

  async function rows(): Promise<string[]> {
    const found = await stage.pool.query<{ line: string }>(
      `select concat_ws(' ', country, rank, employee_key, sales) as line from curated.ranking order by country, rank, employee_key`,
    );
    return found.rows.map((row) => row.line);
  }

  test('replaces whole groups, heartbeats its progress, ends after its pass and resumes', async () => {
    const topic = await stage.topic(2);
    await stage.transact(topic, [
      ranking('USA', ['a', '1.0000', 2], ['b', '2.0000', 1], ['c', '0.5000', 3]),
      ranking('Mexico', ['x', '9.0000', 1]),
      ranking('Canada', ['k', '4.0000', 1]),
    ]);
    const activities = createSyncActivities({ pool: stage.pool, kafka: stage.kafka, syncPassMs: 8_000 });
    const beats: SyncProgress[] = [];
    const environment = new MockActivityEnvironment();
    environment.on('heartbeat', (progress: unknown) => beats.push(progress as SyncProgress));
    const done = await run(environment, () => activities.syncTopic(input(topic)));
    assert.equal(done.rows, 3);
    assert.equal(done.lag, 0);
    assert.ok(beats.length >= 2);
    assert.deepEqual(await rows(), [
      'Canada 1 k 4.0000',
      'Mexico 1 x 9.0000',
      'USA 1 b 2.0000',
      'USA 2 a 1.0000',
      'USA 3 c 0.5000',
    ]);
    assert.equal((await activities.syncLag(input(topic))).lag, 0);
    assert.deepEqual(await storedOffsets(stage.pool, topic), done.offsets);

    await stage.transact(topic, [
      ranking('USA', ['a', '3.0000', 1], ['b', '2.0000', 2]),
      { key: '{"country":"Mexico"}', value: null },
      ranking('Canada', ['k', '4.0000', 1], ['k', '5.0000', 1]),
    ]);
    const behind = await activities.syncLag(input(topic));
    assert.ok(behind.lag > 0);
    const next = await run(new MockActivityEnvironment(), () => activities.syncTopic(input(topic)));
    assert.deepEqual([next.rows, next.deleted, next.rejected, next.lag], [2, 1, 1, 0]);
    assert.deepEqual(await rows(), ['Canada 1 k 4.0000', 'USA 1 a 3.0000', 'USA 2 b 2.0000']);
  });

  test('cancellation ends it as cancelled', async () => {
    const topic = await stage.topic();
    const activities = createSyncActivities({ pool: stage.pool, kafka: stage.kafka });
    const environment = new MockActivityEnvironment();
    environment.on('heartbeat', () => environment.cancel('CANCELLED'));
    await assert.rejects(
      run(environment, () => activities.syncTopic(input(topic))),
      CancelledFailure,
    );
  });
});
