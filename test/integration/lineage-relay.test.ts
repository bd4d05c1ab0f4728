/** The relay against a receiver that is away, silent, broken or picky: nothing is lost, order per run holds (L3). */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { HttpTransport, OpenLineageClient, createTransport, type RunEvent } from 'openlineage-client';
import { stageEvent, streamEvent } from '../../activities/lineage/events.js';
import type { Transition } from '../../activities/lineage/transitions.js';
import { startReceiver, type Answer, type Receiver } from '../../infra/openlineage-client/test/receiver.js';
import { lineageStatus } from '../../infra/postgres/outbox.js';
import { startRelay, type Relay, type RelayOptions } from '../../workers/relay.js';
import { stageFacts, streamFacts } from '../unit/lineage/samples.js';
import {
  createLineageDatabase,
  record,
  recordLog,
  skipWithoutPostgres,
  until,
  type LineageDatabase,
  type RecordedLog,
} from './lineage-support.js';

const AT = '2026-02-01T03:00:00.000Z';
const TYPES = ['START', 'COMPLETE'] as const;

/** START and COMPLETE of `runs` different submissions, interleaved. */
function events(runs: number): RunEvent[] {
  return TYPES.flatMap((type) =>
    Array.from({ length: runs }, (_, i) => {
      const transition: Transition = { type, at: AT };
      return stageEvent(transition, stageFacts({ submission: i + 1 }));
    }),
  );
}

const keyOf = (event: RunEvent) => `${event.run.runId} ${event.eventType}`;

function assertOrdered(accepted: RunEvent[], runs: number): void {
  const keys = accepted.map(keyOf);
  assert.equal(new Set(keys).size, keys.length, 'an event was accepted twice');
  assert.equal(keys.length, runs * 2);
  for (const event of accepted.filter((one) => one.eventType === 'COMPLETE')) {
    assert.ok(keys.indexOf(`${event.run.runId} START`) < keys.indexOf(keyOf(event)));
  }
}

describe('lineage relay', { skip: skipWithoutPostgres }, () => {
  let database: LineageDatabase;
  let receiver: Receiver;
  let log: RecordedLog;
  const relays: Relay[] = [];
  const clients: OpenLineageClient[] = [];

  before(async () => {
    database = await createLineageDatabase();
  });
  after(() => database.drop());
  beforeEach(async () => {
    log = recordLog();
    await database.pool.query('truncate control.lineage_outbox restart identity');
  });
  afterEach(async () => {
    await Promise.all(relays.splice(0).map((relay) => relay.stop()));
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await receiver?.close();
  });

  function relay(client: Pick<OpenLineageClient, 'emit' | 'flush'>, options: Partial<RelayOptions> = {}): Relay {
    const started = startRelay({
      pool: database.pool,
      client,
      log,
      intervalMs: 20,
      backoffMs: 10,
      maxBackoffMs: 50,
      ...options,
    });
    relays.push(started);
    return started;
  }

  async function listen(answer?: Answer): Promise<void> {
    receiver = await startReceiver(answer);
  }

  function httpClient(url = receiver.url, timeoutMs = 2_000): OpenLineageClient {
    const client = new OpenLineageClient({ transport: new HttpTransport({ url, retries: 0, timeoutMs }) });
    clients.push(client);
    return client;
  }

  const pending = async () => (await lineageStatus(database.pool)).pending;

  it('delivers what was written before and after it started, and marks it', async () => {
    await listen();
    await record(database.pool, ...events(10).slice(0, 10));
    const running = relay(httpClient());
    await record(database.pool, ...events(10).slice(10));
    assert.deepEqual(await running.drain(), { pending: 0, delivered: 20, dead: 0, oldestPending: null });
    assertOrdered(receiver.accepted, 10);
  });

  it('waits while the receiver answers 500 and then delivers each event once, in order', async () => {
    let down = true;
    await listen(() => (down ? 500 : 201));
    await record(database.pool, ...events(25));
    const running = relay(httpClient());
    await until('several tries', () => receiver.requests.length >= 6);
    assert.equal(await pending(), 50);
    down = false;
    assert.equal((await running.drain()).delivered, 50);
    assertOrdered(receiver.accepted, 25);
    const messages = log.lines.map((line) => line.message);
    assert.equal(messages.filter((message) => message.includes('wait in the outbox')).length, 1);
    assert.equal(messages.filter((message) => message.includes('again')).length, 1);
  });

  it('asks a receiver that is away a few times, not once per waiting run', async () => {
    await listen(() => 503);
    await record(database.pool, ...events(200).slice(0, 200));
    relay(httpClient(), { backoffMs: 60_000, maxBackoffMs: 60_000, concurrency: 1 });
    await until('the relay to hold back', () => receiver.requests.length >= 3);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(receiver.requests.length, 3);
    assert.equal(await pending(), 200);
  });

  it('comes through a refused connection and an address that never answers', async () => {
    await listen();
    const port = new URL(receiver.url).port;
    await receiver.close();
    await record(database.pool, ...events(3));
    const away = relay(httpClient(`http://127.0.0.1:${port}`));
    await until('a failed try', () => log.lines.length > 0);
    assert.equal(await pending(), 6);
    await away.stop();
    let silent = true;
    await listen(() => (silent ? undefined : 201));
    const running = relay(httpClient(receiver.url, 50));
    await until('a try without an answer', () => receiver.requests.length >= 2);
    silent = false;
    assert.equal((await running.drain()).delivered, 6);
    assertOrdered(receiver.accepted, 3);
  });

  it('holds back only the run whose event fails, with growing pauses', async () => {
    const [poor] = events(1);
    await listen((event) => (event.run.runId === poor?.run.runId ? 500 : 201));
    await record(database.pool, ...events(5));
    relay(httpClient(), { backoffMs: 40, maxBackoffMs: 160 });
    await until('the other four runs', () => receiver.accepted.length === 8);
    const tries = () => receiver.requests.filter((request) => request.event.run.runId === poor?.run.runId);
    await until('five tries of the failing run', () => tries().length >= 5);
    assert.ok(
      tries().every((request) => request.event.eventType === 'START'),
      'COMPLETE overtook START',
    );
    const gaps = tries().map((request, i, all) => request.at - (all[i - 1]?.at ?? request.at));
    assert.ok(gaps[1]! >= 20 && gaps[4]! >= 80, `pauses ${gaps.slice(1, 5).join(', ')} ms`);
    assert.equal(await pending(), 2);
  });

  it('honours Retry-After', async () => {
    await listen((_event, response, n) => (n === 1 ? void response.writeHead(429, { 'retry-after': '1' }).end() : 201));
    await record(database.pool, ...events(1));
    const running = relay(httpClient());
    assert.equal((await running.drain()).delivered, 2);
    assert.ok(receiver.requests[1]!.at - receiver.requests[0]!.at >= 950);
  });

  it('gives up an event that is refused again and again, and goes on with its run', async () => {
    await listen((event, response) =>
      event.eventType === 'RUNNING' ? void response.writeHead(400).end('no RUNNING, password=s3cr3t') : 201,
    );
    const types = ['START', 'RUNNING', 'COMPLETE'] as const;
    await record(database.pool, ...types.map((type) => streamEvent({ type, at: AT }, streamFacts())));
    const running = relay(httpClient(), { maxRejections: 3 });
    assert.deepEqual(await running.drain(), { pending: 0, delivered: 2, dead: 1, oldestPending: null });
    assert.deepEqual(
      receiver.accepted.map((event) => event.eventType),
      ['START', 'COMPLETE'],
    );
    assert.equal(receiver.requests.length, 5);
    const { rows } = await database.pool.query<{ last_error: string }>(
      'select last_error from control.lineage_outbox where dead_at is not null',
    );
    assert.match(rows[0]?.last_error ?? '', /400.*no RUNNING/);
    assert.doesNotMatch(JSON.stringify([rows, log.lines]), /s3cr3t/);
    assert.ok(log.lines.some((line) => line.level === 'error'));
  });

  it('gives up an event that could not be delivered for too long', async () => {
    await listen((event) => (event.eventType === 'START' ? 500 : 201));
    await record(database.pool, ...events(1));
    await database.pool.query(`update control.lineage_outbox set created_at = now() - interval '8 days'`);
    const running = relay(httpClient());
    assert.deepEqual(await running.drain(), { pending: 0, delivered: 1, dead: 1, oldestPending: null });
  });

  it('has one leader, and a follower takes over when it stops', async () => {
    await listen();
    const sent: string[][] = [[], []];
    const clientOf = (i: number) => ({
      emit: (event: RunEvent) => Promise.resolve(void sent[i]?.push(keyOf(event))),
      flush: () => Promise.resolve(),
    });
    const first = relay(clientOf(0));
    await record(database.pool, ...events(5));
    await first.drain();
    const second = relay(clientOf(1));
    await record(database.pool, streamEvent({ type: 'START', at: AT }, streamFacts()));
    await second.drain();
    assert.deepEqual([sent[0]?.length, sent[1]?.length], [11, 0]);
    await first.stop();
    await record(database.pool, streamEvent({ type: 'COMPLETE', at: AT }, streamFacts()));
    await second.drain();
    assert.deepEqual([sent[0]?.length, sent[1]?.length], [11, 1]);
  });

  it('goes on after its connection to Postgres was cut', async () => {
    await listen();
    const running = relay(httpClient());
    await record(database.pool, ...events(1));
    await running.drain();
    const cut = await database.pool.query(
      `select pg_terminate_backend(l.pid) from pg_locks l
        where l.locktype = 'advisory' and l.objsubid = 1
          and l.database = (select oid from pg_database where datname = current_database())`,
    );
    assert.equal(cut.rowCount, 1);
    await record(database.pool, streamEvent({ type: 'START', at: AT }, streamFacts()));
    assert.equal((await running.drain()).delivered, 3);
  });

  it('marks nothing that its transport could not make safe', async () => {
    await listen();
    let safe = false;
    const sent: string[] = [];
    const client = {
      emit: (event: RunEvent) => Promise.resolve(void sent.push(keyOf(event))),
      flush: () => (safe ? Promise.resolve() : Promise.reject(new Error('disk full'))),
    };
    await record(database.pool, ...events(1));
    const running = relay(client);
    await until('a failed flush', () => log.lines.length > 0);
    assert.equal(await pending(), 2);
    safe = true;
    assert.equal((await running.drain()).delivered, 2);
    assert.ok(sent.length >= 4);
  });

  it('writes to a file as it does to a receiver', async () => {
    await listen();
    const folder = await mkdtemp(join(tmpdir(), 'sluice-relay-'));
    try {
      const path = join(folder, 'lineage', 'events.jsonl');
      const client = new OpenLineageClient({ transport: createTransport({ type: 'file', path }) });
      clients.push(client);
      await record(database.pool, ...events(60));
      await relay(client, { batchSize: 7 }).drain();
      const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
      assertOrdered(
        lines.map((line) => JSON.parse(line) as RunEvent),
        60,
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
