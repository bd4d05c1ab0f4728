/** A database and topics of their own for the tests that copy a topic into a table; both are gone afterwards. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Admin, Kafka, Message, Producer } from 'kafkajs';
import { createKafka } from '../../infra/kafka/client.js';
import type { SyncTable } from '../../infra/kafka/topic-sync-decode.js';
import { syncTopicToTable, type SyncStatus, type TopicSyncOptions } from '../../infra/kafka/topic-sync.js';
import { createPool, type Pool } from '../../infra/postgres/pool.js';

const brokers = process.env['KAFKA_BROKERS'];
const databaseUrl = process.env['DATABASE_URL'];

/** Why the tests cannot run here, for node:test's `skip`. */
export const skip = brokers && databaseUrl ? false : 'KAFKA_BROKERS and DATABASE_URL are not set';

const MIGRATION = new URL('../../infra/postgres/migrations/0003-streams.sql', import.meta.url);
export const PIPELINE = 'test-d';

export const CITY: SyncTable = {
  schema: 'curated',
  table: 'city',
  columns: { day: 'date', city: 'text', sales: 'numeric(18,4)', orders: 'bigint' },
  key: ['day', 'city'],
};

export interface Stage {
  pool: Pool;
  kafka: Kafka;
  admin: Admin;
  /** Connection string of the database made for the tests. */
  url: string;
  /** Makes a topic and registers it for deletion. */
  topic(partitions?: number): Promise<string>;
  /** Sends without a transaction, so offsets are 0, 1, 2… */
  send(topic: string, messages: Message[]): Promise<void>;
  /** Sends in one transaction per list, which leaves a marker after each. */
  transact(topic: string, messages: Message[], outcome?: 'commit' | 'abort'): Promise<void>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const suffix = randomBytes(4).toString('hex');
  const database = `test_d_${suffix}`;
  const url = new URL(databaseUrl as string);
  const server = createPool({ connectionString: url.href, applicationName: 'test-d', max: 1 });
  await server.query(`create database ${database}`);
  url.pathname = `/${database}`;
  const pool = createPool({ connectionString: url.href, applicationName: 'test-d', max: 4 });
  await pool.query(`create schema control; create schema curated; ${await readFile(MIGRATION, 'utf8')}`);
  await createCity(pool);

  const kafka = createKafka({ brokers: (brokers as string).split(','), clientId: 'test-d' });
  const admin = kafka.admin();
  const plain = kafka.producer({ allowAutoTopicCreation: false });
  const transactional: Producer = kafka.producer({
    transactionalId: `test-d-${suffix}`,
    maxInFlightRequests: 1,
    idempotent: true,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 10, retries: 20 },
  });
  await Promise.all([admin.connect(), plain.connect(), transactional.connect()]);
  const topics: string[] = [];

  return {
    pool,
    kafka,
    admin,
    url: url.href,
    async topic(partitions = 1) {
      const topic = `test_d.${suffix}.${topics.length}`;
      topics.push(topic);
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true });
      return topic;
    },
    async send(topic, messages) {
      // The broker takes at most a megabyte at once.
      for (let at = 0; at < messages.length; at += 2_000) {
        await plain.send({ topic, messages: messages.slice(at, at + 2_000) });
      }
    },
    async transact(topic, messages, outcome = 'commit') {
      const transaction = await transactional.transaction();
      await transaction.send({ topic, messages });
      await transaction[outcome]();
    },
    async close() {
      if (topics.length > 0) await admin.deleteTopics({ topics }).catch(() => undefined);
      await Promise.allSettled([plain.disconnect(), transactional.disconnect(), admin.disconnect(), pool.end()]);
      await server.query(`drop database ${database} with (force)`);
      await server.end();
    },
  };
}

async function createCity(pool: Pool): Promise<void> {
  await pool.query(
    `create table curated.city (day date, city text, sales numeric(18,4), orders bigint check (orders < 1000000000000000000),
       primary key (day, city))`,
  );
}

/** A message of the table `CITY`. */
export function sale(city: string, sales: string, orders: unknown = 1, day = '2026-02-01'): Message {
  return { key: JSON.stringify({ day, city }), value: JSON.stringify({ day, city, sales, orders }) };
}

export function tombstone(city: string, day = '2026-02-01'): Message {
  return { key: JSON.stringify({ day, city }), value: null };
}

/** A copy that runs in the background of a test. */
export class RunningSync {
  readonly ended: Promise<SyncStatus>;
  private readonly stopper = new AbortController();
  private status: SyncStatus | undefined;
  private readonly waiters = new Set<() => void>();

  constructor(stage: Pick<Stage, 'pool' | 'kafka'>, topic: string, more: Partial<TopicSyncOptions> = {}) {
    this.ended = syncTopicToTable({
      pool: stage.pool,
      kafka: stage.kafka,
      pipeline: PIPELINE,
      topic,
      table: CITY,
      signal: this.stopper.signal,
      lagIntervalMs: 100,
      onStatus: (status) => {
        this.status = status;
        for (const waiter of this.waiters) waiter();
      },
      ...more,
    });
    this.ended.catch(() => undefined);
  }

  /** Resolves with the first status that is as wanted; rejects when the copy ends or the deadline passes before. */
  async until(wanted: (status: SyncStatus) => boolean, deadlineMs = 30_000): Promise<SyncStatus> {
    let check: () => void = () => undefined;
    const seen = new Promise<SyncStatus>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not seen in ${deadlineMs} ms: ${String(wanted)}`)), deadlineMs);
      check = () => {
        if (!this.status || !wanted(this.status)) return;
        clearTimeout(timer);
        resolve({ ...this.status, positions: new Map(this.status.positions) });
      };
      this.ended.catch((error: unknown) => {
        clearTimeout(timer);
        reject(error);
      });
    });
    this.waiters.add(check);
    check();
    try {
      return await seen;
    } finally {
      this.waiters.delete(check);
    }
  }

  /** Everything up to the present end is in the table. */
  caughtUp(rows = 0): Promise<SyncStatus> {
    return this.until((status) => status.lag === 0 && status.rows >= rows);
  }

  stop(): Promise<SyncStatus> {
    this.stopper.abort();
    return this.ended;
  }
}

export async function tableRows(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ line: string }>(
    `select concat_ws(' ', day, city, sales, orders) as line from curated.city order by day, city`,
  );
  return rows.map((row) => row.line);
}

export async function storedOffsets(pool: Pool, topic: string): Promise<Record<number, string>> {
  const { rows } = await pool.query<{ partition: number; next: string }>(
    'select partition, next_offset::text as next from control.sync_offset where topic = $1 order by partition',
    [topic],
  );
  return Object.fromEntries(rows.map((row) => [row.partition, row.next]));
}

/** A way to Postgres that can be cut and mended. */
export interface Cable {
  url: string;
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function openCable(target: string): Promise<Cable> {
  const { port, hostname } = new URL(target);
  let whole = true;
  const open = new Set<net.Socket>();
  const server = net.createServer((near) => {
    if (!whole) {
      near.destroy();
      return;
    }
    const far = net.connect(Number(port), hostname);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        open.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const near = new URL(target);
  near.port = String((server.address() as AddressInfo).port);
  return {
    url: near.href,
    cut() {
      whole = false;
      for (const socket of open) socket.destroy();
    },
    mend() {
      whole = true;
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The tests share one stage; each starts from an empty table. */
export async function emptyTables(pool: Pool): Promise<void> {
  await pool.query('truncate curated.city, control.rejected, control.sync_offset, control.sync_owner');
  assert.deepEqual(await tableRows(pool), []);
}
