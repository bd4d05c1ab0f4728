/** Result topics into a table on real Kafka and Postgres: exactly once, with what goes wrong on purpose. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createPool } from '../../infra/postgres/pool.js';
import {
  RunningSync,
  emptyTables,
  openCable,
  openStage,
  sale,
  skip,
  storedOffsets,
  tableRows,
  tombstone,
  type Stage,
} from './sync-support.js';

describe('topic into table', { skip }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage?.close());
  beforeEach(() => emptyTables(stage.pool));

  async function rejects(): Promise<{ offset: string; reason: string; bytes: Buffer | null }[]> {
    const { rows } = await stage.pool.query<{ offset: string; reason: string; bytes: Buffer | null }>(
      'select "offset"::text, reason, bytes from control.rejected order by "offset"',
    );
    return rows;
  }

  test('lag reaches 0 although every partition ends with markers, and aborted records are never seen', async () => {
    const topic = await stage.topic(2);
    await stage.transact(topic, [
      { ...sale('Köln', '100.00'), partition: 0 },
      { ...sale('Bonn', '1.5'), partition: 1 },
    ]);
    await stage.transact(topic, [{ ...sale('Köln', '666'), partition: 0 }], 'abort');
    const sync = new RunningSync(stage, topic);
    await sync.caughtUp(2);
    assert.deepEqual(await tableRows(stage.pool), ['2026-02-01 Bonn 1.5000 1', '2026-02-01 Köln 100.0000 1']);
    // Now with the reader at the end: the marker comes in a fetch of its own.
    await stage.transact(topic, [{ ...sale('Köln', '120.0000'), partition: 0 }]);
    await stage.transact(topic, [{ ...sale('Köln', '777'), partition: 0 }], 'abort');
    await sync.caughtUp(3);
    const ends = (await stage.admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, high]);
    assert.deepEqual(await storedOffsets(stage.pool, topic), Object.fromEntries(ends));
    await sync.stop();
    assert.deepEqual(await tableRows(stage.pool), ['2026-02-01 Bonn 1.5000 1', '2026-02-01 Köln 120.0000 1']);
  });

  test('the same key many times in one batch is one row with the last value', async () => {
    const topic = await stage.topic();
    const others = Array.from({ length: 997 }, (_, index) => sale(`City ${index}`, `${index}.0001`));
    await stage.send(topic, [sale('Köln', '100'), ...others, sale('Köln', '90'), sale('Köln', '120')]);
    const sync = new RunningSync(stage, topic);
    await sync.caughtUp(1000);
    await sync.stop();
    const rows = await tableRows(stage.pool);
    assert.equal(rows.length, 998);
    assert.ok(rows.includes('2026-02-01 Köln 120.0000 1'));
  });

  test('texts that Postgres cannot hold are set aside and nothing else is touched', async () => {
    const topic = await stage.topic();
    const messages = Array.from({ length: 10_000 }, (_, index) => sale(`City ${index}`, '1.0000'));
    messages[4711] = sale('Bad\u0000Ems', '1.0000');
    messages[4712] = sale('half \ud83d', '1.0000');
    messages[4713] = sale('six characters \\u0000 and 😀', '1.0000');
    await stage.send(topic, messages);
    const strict = new RunningSync(stage, topic, { onReject: 'fail' });
    await assert.rejects(strict.ended, { code: 'STORE_REJECTED' });
    assert.deepEqual(await tableRows(stage.pool), []);
    assert.deepEqual(await rejects(), []);

    const sync = new RunningSync(stage, topic);
    const status = await sync.caughtUp(9_998);
    await sync.stop();
    assert.equal(status.rejected, 2);
    const rows = await tableRows(stage.pool);
    assert.equal(rows.length, 9_998);
    assert.ok(rows.includes('2026-02-01 six characters \\u0000 and 😀 1.0000 1'));
    const set = await rejects();
    assert.deepEqual(
      set.map(({ offset }) => offset),
      ['4711', '4712'],
    );
    assert.match(set[0]?.reason ?? '', /NUL/);
    assert.match(set[1]?.reason ?? '', /surrogate/);
    assert.equal(set[0]?.bytes?.toString(), messages[4711]?.value);
  });

  test('what only Postgres can judge costs only its own record', async () => {
    const topic = await stage.topic();
    const messages = Array.from({ length: 100 }, (_, index) => sale(`City ${index}`, '1'));
    messages[37] = sale('City 37', '1', 1_000_000_000_000_000_000);
    // The digits survive although they pass through no JavaScript number.
    messages[38] = {
      key: '{"day":"2026-02-01","city":"City 38"}',
      value: '{"day":"2026-02-01","city":"City 38","sales":"12345678901234.5700","orders":9007199254740993}',
    };
    await stage.send(topic, messages);
    const sync = new RunningSync(stage, topic);
    await sync.until((status) => status.lag === 0 && status.rejected === 1);
    await sync.stop();
    const rows = await tableRows(stage.pool);
    assert.equal(rows.length, 99);
    assert.ok(rows.includes('2026-02-01 City 38 12345678901234.5700 9007199254740993'));
    assert.match((await rejects())[0]?.reason ?? '', /check constraint.*SQLSTATE 23514/);
  });

  test('a deleted key is gone, counted once, and a replay changes nothing', async () => {
    const topic = await stage.topic();
    await stage.send(topic, [sale('Köln', '1'), sale('Köln', '2'), sale('Bonn', '3')]);
    const sync = new RunningSync(stage, topic);
    await sync.caughtUp(3);
    await stage.send(topic, [tombstone('Köln'), tombstone('Köln')]);
    assert.equal((await sync.caughtUp(5)).deleted, 1);
    assert.deepEqual(await tableRows(stage.pool), ['2026-02-01 Bonn 3.0000 1']);
    await stage.send(topic, [sale('Köln', '1'), sale('Köln', '2'), tombstone('Köln'), tombstone('Köln')]);
    assert.equal((await sync.caughtUp(9)).deleted, 1);
    await sync.stop();
    assert.deepEqual(await tableRows(stage.pool), ['2026-02-01 Bonn 3.0000 1']);
    assert.deepEqual(await rejects(), []);
  });

  test('an unreadable record is kept once through restarts; one that met no Postgres is retried in place', async () => {
    const topic = await stage.topic();
    const cable = await openCable(stage.url);
    const pool = createPool({ connectionString: cable.url, applicationName: 'test-d-cable', max: 2 });
    try {
      const messages = Array.from({ length: 8 }, (_, index) => sale(`City ${index}`, `${index}`));
      messages[6] = { key: 'city 6', value: Buffer.from([0xff, 0xfe, 0x7b]) };
      await stage.send(topic, messages.slice(0, 4));
      for (let restart = 0; restart < 2; restart += 1) {
        const first = new RunningSync({ pool, kafka: stage.kafka }, topic);
        await first.caughtUp(0);
        await first.stop();
      }
      await stage.send(topic, messages.slice(4));
      const sync = new RunningSync({ pool, kafka: stage.kafka }, topic);
      await sync.until((status) => status.lag === 0 && status.rejected === 1);
      cable.cut();
      await stage.send(topic, [sale('City 8', '8'), sale('City 9', '9')]);
      const waiting = await sync.until((status) => status.waitingFor !== undefined);
      assert.equal(waiting.positions.get(0), 8n);
      cable.mend();
      const status = await sync.until((now) => now.lag === 0 && now.positions.get(0) === 10n);
      assert.equal(status.waitingFor, undefined);
      await sync.stop();
    } finally {
      await pool.end();
      await cable.close();
    }
    assert.equal((await tableRows(stage.pool)).length, 9);
    const set = await rejects();
    assert.deepEqual(
      set.map(({ offset, bytes }) => [offset, bytes?.toString('hex')]),
      [['6', 'fffe7b']],
    );
    assert.deepEqual(await storedOffsets(stage.pool, topic), { 0: '10' });
  });

  test('of two attempts alive at once the newer one writes and the older one stops', async () => {
    const topic = await stage.topic();
    await stage.send(topic, [sale('Köln', '1')]);
    const older = new RunningSync(stage, topic);
    await older.caughtUp(1);
    const newer = new RunningSync(stage, topic);
    await newer.caughtUp();
    await stage.send(topic, [sale('Köln', '2'), sale('Bonn', '3')]);
    await assert.rejects(older.ended, { code: 'STORE_CONFLICT' });
    const status = await newer.caughtUp(2);
    assert.equal(status.rows, 2);
    await newer.stop();
    assert.deepEqual(await tableRows(stage.pool), ['2026-02-01 Bonn 3.0000 1', '2026-02-01 Köln 2.0000 1']);
  });

  test('records deleted before they were copied stop the copy with the gap named', async () => {
    const topic = await stage.topic();
    await stage.send(topic, [sale('Köln', '1'), sale('Bonn', '2')]);
    const sync = new RunningSync(stage, topic);
    await sync.caughtUp(2);
    await sync.stop();
    await stage.send(topic, [sale('Köln', '3'), sale('Bonn', '4'), sale('Ulm', '5')]);
    // The client knows the leader only of topics it was asked about before.
    await stage.admin.fetchTopicOffsets(topic);
    await stage.admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] });
    await assert.rejects(new RunningSync(stage, topic).ended, /records 2 to 3 were deleted.*begins at 4/);
    await stage.pool.query('update control.sync_offset set next_offset = 900');
    await assert.rejects(new RunningSync(stage, topic).ended, /applied it up to 900: the topic was made anew/);
  });

  test('a topic that is not there is an error that may pass', async () => {
    await assert.rejects(
      new RunningSync(stage, 'test_d.no-such-topic').ended,
      (error: { code: string; retryable: boolean }) => {
        assert.equal(error.code, 'STORE_UNREACHABLE');
        return error.retryable;
      },
    );
  });
});
