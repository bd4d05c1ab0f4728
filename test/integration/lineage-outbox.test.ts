/** The outbox on a real Postgres: one START and one end per run, in commit order, together with the caller's transaction. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { RunEvent } from 'openlineage-client';
import type pg from 'pg';
import { closingEvent } from '../../activities/lineage/close.js';
import { pipelineRunEvent, publishEvent, stageEvent, streamEvent } from '../../activities/lineage/events.js';
import { pipelineRunId, stageRunId } from '../../activities/lineage/ids.js';
import type { Transition } from '../../activities/lineage/transitions.js';
import { insertLineage, lineageStatus, openLineageRuns } from '../../infra/postgres/outbox.js';
import { publishFacts, runFacts, stageFacts, streamFacts } from '../unit/lineage/samples.js';
import {
  createLineageDatabase,
  inTransaction,
  record,
  skipWithoutPostgres,
  until,
  type LineageDatabase,
} from './lineage-support.js';

const at = (minute: number) => `2026-02-01T03:${String(minute).padStart(2, '0')}:00.000Z`;
const started = (minute = 0): Transition => ({ type: 'START', at: at(minute) });
const completed = (minute = 9): Transition => ({ type: 'COMPLETE', at: at(minute) });
const failed = (minute = 9): Transition => ({ type: 'FAIL', at: at(minute), failure: { message: 'boom' } });

describe('lineage outbox', { skip: skipWithoutPostgres }, () => {
  let database: LineageDatabase;
  before(async () => {
    database = await createLineageDatabase();
  });
  after(() => database.drop());
  beforeEach(() => database.pool.query('truncate control.lineage_outbox restart identity'));

  async function stored(): Promise<RunEvent[]> {
    const { rows } = await database.pool.query<{ event: RunEvent }>(
      'select event from control.lineage_outbox order by id',
    );
    return rows.map((row) => row.event);
  }

  it('stores an event as it was made', async () => {
    const event = stageEvent(failed(), stageFacts());
    assert.equal(await record(database.pool, event), 1);
    assert.deepEqual(await stored(), [JSON.parse(JSON.stringify(event))]);
  });

  it('writes nothing twice when an activity is retried (L1)', async () => {
    const events = [stageEvent(started(), stageFacts()), stageEvent(completed(), stageFacts())];
    assert.equal(await record(database.pool, ...events), 2);
    assert.equal(await record(database.pool, ...events), 0);
    assert.equal(await record(database.pool, stageEvent(started(5), stageFacts())), 0);
    assert.equal(await record(database.pool, stageEvent(started(), stageFacts({ submission: 2 }))), 1);
    assert.equal((await stored()).length, 3);
  });

  it('keeps the first of two different ends, and nothing after it (L2)', async () => {
    await record(database.pool, streamEvent(started(), streamFacts()), streamEvent(failed(5), streamFacts()));
    assert.equal(await record(database.pool, streamEvent(completed(), streamFacts())), 0);
    assert.equal(await record(database.pool, streamEvent({ type: 'ABORT', at: at(9) }, streamFacts())), 0);
    assert.equal(await record(database.pool, streamEvent({ type: 'RUNNING', at: at(9) }, streamFacts())), 0);
    assert.deepEqual(
      (await stored()).map((event) => event.eventType),
      ['START', 'FAIL'],
    );
  });

  it('gives an end no earlier time than any event before it (L2)', async () => {
    await record(database.pool, streamEvent(started(), streamFacts()));
    await record(database.pool, streamEvent({ type: 'RUNNING', at: at(8) }, streamFacts()));
    await record(database.pool, streamEvent(completed(3), streamFacts()));
    const times = (await stored()).map((event) => Date.parse(event.eventTime));
    assert.deepEqual(times, [Date.parse(at(0)), Date.parse(at(8)), Date.parse(at(8))]);
  });

  it('allows one end only, also when ten workers end the run at once', async () => {
    await record(database.pool, stageEvent(started(), stageFacts()));
    const ends = Array.from({ length: 10 }, (_, i) => stageEvent(i % 2 === 0 ? completed() : failed(), stageFacts()));
    const added = await Promise.all(ends.map((event) => record(database.pool, event)));
    assert.equal(
      added.reduce((sum, one) => sum + one, 0),
      1,
    );
  });

  it('is part of the transaction: a rollback leaves nothing', async () => {
    const rolledBack = inTransaction(database.pool, async (client) => {
      await insertLineage(client, [stageEvent(started(), stageFacts())]);
      throw new Error('the control row was refused');
    });
    await assert.rejects(rolledBack, /control row/);
    assert.deepEqual(await stored(), []);
  });

  it('gives ids of one run in commit order, by letting the second writer wait', async () => {
    const first = await database.pool.connect();
    await first.query('begin');
    await insertLineage(first, [streamEvent(started(), streamFacts())]);
    const second = record(database.pool, streamEvent({ type: 'RUNNING', at: at(1) }, streamFacts()));
    await until('the second writer waits for the first', async () => {
      const { rows } = await database.pool.query<{ waiting: number }>(
        `select count(*)::int as waiting from pg_locks where locktype = 'advisory' and not granted`,
      );
      return rows[0]?.waiting === 1;
    });
    // Another run is not held up.
    assert.equal(await record(database.pool, stageEvent(started(), stageFacts())), 1);
    await first.query('commit');
    first.release();
    assert.equal(await second, 1);
    const types = (await stored()).filter((event) => event.job.name.endsWith('.live')).map((event) => event.eventType);
    assert.deepEqual(types, ['START', 'RUNNING']);
  });

  it('survives texts that jsonb cannot hold, and leaves harmless ones alone', async () => {
    const message = 'half \ud83d, NUL \u0000, text \\u0000, whole 😀, Köln';
    const failure = { message };
    await record(database.pool, stageEvent({ type: 'FAIL', at: at(1), failure }, stageFacts()));
    const [event] = await stored();
    assert.equal(event?.run.facets?.errorMessage?.message, 'half \ufffd, NUL \ufffd, text \\u0000, whole 😀, Köln');
  });

  it('closes what a terminated run left open, children first, and nothing that had ended (L2)', async () => {
    const lost = stageFacts({ stage: 'lost' });
    await record(
      database.pool,
      pipelineRunEvent(started(), runFacts()),
      stageEvent(started(1), stageFacts()),
      stageEvent(completed(2), stageFacts()),
      stageEvent(started(3), lost),
      publishEvent(started(4), publishFacts()),
      streamEvent(started(4), streamFacts()),
    );
    const root = pipelineRunId(runFacts());
    const abort = { type: 'ABORT', at: at(9), failure: { message: 'terminated by an operator' } } as const;
    const closeAll = (client: pg.PoolClient) =>
      openLineageRuns(client, root).then((open) =>
        insertLineage(
          client,
          open.map((start) => closingEvent(start, abort)),
        ),
      );
    assert.equal(await inTransaction(database.pool, closeAll), 3);
    assert.equal(await inTransaction(database.pool, closeAll), 0);
    assert.deepEqual(await openLineageRuns(database.pool, root), []);
    const ends = (await stored()).filter((event) => event.eventType === 'ABORT');
    assert.deepEqual(
      ends.map((event) => event.job.name),
      ['top-sales-per-city.publish.city_sales_daily', 'top-sales-per-city.lost', 'top-sales-per-city'],
    );
    assert.equal(ends[1]?.run.runId, stageRunId(lost));
    for (const end of ends) {
      assert.ok(end.inputs.length > 0 && end.outputs.length > 0);
      assert.equal(end.run.facets?.errorMessage?.message, 'terminated by an operator');
    }
  });

  it('counts what waits', async () => {
    assert.deepEqual(await lineageStatus(database.pool), { pending: 0, delivered: 0, dead: 0, oldestPending: null });
    await record(database.pool, stageEvent(started(), stageFacts()));
    const status = await lineageStatus(database.pool);
    assert.equal(status.pending, 1);
    assert.ok(Math.abs(Date.parse(status.oldestPending ?? '') - Date.now()) < 60_000);
  });
});
