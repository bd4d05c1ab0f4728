/** Copies a result topic into its table until told to stop, with the positions in the table's own database. */
import { randomUUID } from 'node:crypto';
import type { Admin, Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { SluiceError } from '../errors.js';
import type { Pool } from '../postgres/pool.js';
import { toKafkaError } from './client.js';
import { makeBatch } from './topic-sync-batch.js';
import { createDecoder, type SyncTable } from './topic-sync-decode.js';
import { addOffset, checkPosition, readOffsets, takeOver, type SyncId } from './topic-sync-offsets.js';
import { pause, untilStoreAnswers } from './topic-sync-wait.js';
import { createTableWriter, isApplied, type Applied, type PartitionBatch } from './topic-sync-write.js';

export interface TopicSyncOptions {
  pool: Pool;
  kafka: Kafka;
  pipeline: string;
  topic: string;
  table: SyncTable;
  onReject?: 'divert' | 'fail';
  /** Ends the copying; a batch under way is finished or left out whole. */
  signal: AbortSignal;
  /** Told after each batch and each look at the ends of the topic; the object is reused. */
  onStatus?: (status: SyncStatus) => void;
  /** How often the ends of the topic are looked at; default 2 s. */
  lagIntervalMs?: number;
}

export interface SyncStatus {
  /** Next offset to be applied, per partition. */
  positions: Map<number, bigint>;
  /** Records behind the end of the topic; undefined while the brokers do not answer. */
  lag?: number;
  rows: number;
  deleted: number;
  rejected: number;
  /** Set while Postgres does not answer. */
  waitingFor?: string;
}

const FETCH_BYTES_PER_PARTITION = 4 << 20;
const FETCH_BYTES = 16 << 20;

class TopicSync {
  private readonly status: SyncStatus = { positions: new Map(), rows: 0, deleted: 0, rejected: 0 };
  private readonly stop = new AbortController();
  private readonly id: SyncId;
  private readonly decode: ReturnType<typeof createDecoder>;
  private failure: unknown;
  private fence = '';
  private write: ((batch: PartitionBatch) => Promise<Applied>) | undefined;
  /** Steps over markers wait here, so that they and the batches are applied one after the other. */
  private tail: Promise<void> = Promise.resolve();

  constructor(
    private readonly options: TopicSyncOptions,
    private readonly consumer: Consumer,
    private readonly admin: Admin,
  ) {
    const { pipeline, topic, table } = options;
    this.id = { pipeline, topic, table: table.table };
    this.decode = createDecoder(table);
  }

  async run(): Promise<SyncStatus> {
    const { signal } = this.options;
    const abort = (): void => this.stop.abort();
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    try {
      await this.loadPositions();
      if (this.stop.signal.aborted) return this.status;
      this.listen();
      await this.consumer.subscribe({ topic: this.id.topic, fromBeginning: true });
      await this.consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: (payload) => this.onBatch(payload),
      });
      await this.watchLag();
    } catch (error) {
      this.failure ??= error;
    } finally {
      signal.removeEventListener('abort', abort);
      this.stop.abort();
      await this.consumer.stop().catch(() => undefined);
      await this.tail;
    }
    if (this.failure !== undefined) throw this.failure;
    return this.status;
  }

  private fail(error: unknown): void {
    this.failure ??= error;
    this.stop.abort();
  }

  private tell(): void {
    this.options.onStatus?.(this.status);
  }

  private async ranges(): Promise<{ partition: number; low: bigint; high: bigint }[]> {
    try {
      const offsets = await this.admin.fetchTopicOffsets(this.id.topic);
      return offsets.map(({ partition, low, high }) => ({ partition, low: BigInt(low), high: BigInt(high) }));
    } catch (error) {
      throw toReadError(error, this.id.topic);
    }
  }

  /** Takes the fence first: positions read after it cannot move under us. */
  private async loadPositions(): Promise<void> {
    const { pool, table, onReject } = this.options;
    const ranges = await this.ranges();
    await this.untilStoreAnswers(async () => {
      this.fence = await takeOver(pool, this.id);
      const stored = await readOffsets(pool, this.id);
      for (const { partition, low, high } of ranges) {
        const next = stored.get(partition) ?? low;
        if (!stored.has(partition)) await addOffset(pool, this.id, partition, next);
        checkPosition(this.id, partition, next, low, high);
        this.status.positions.set(partition, next);
      }
    });
    this.write = createTableWriter({ pool, id: this.id, table, fence: this.fence, onReject: onReject ?? 'divert' });
  }

  private listen(): void {
    const { consumer, id } = this;
    // A rejoined member would start at the group's positions, and the group has none: ours stand in Postgres.
    consumer.on(consumer.events.GROUP_JOIN, () => {
      for (const [partition, next] of this.status.positions) {
        consumer.seek({ topic: id.topic, partition, offset: next.toString() });
      }
    });
    // The only sign of a fetch that held nothing but transaction markers or aborted records. Without a step over them
    // the lag of a topic that ends with a marker would never be 0.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      if (payload.topic !== id.topic || payload.batchSize > 0) return;
      const { partition, firstOffset, lastOffset } = payload;
      this.tail = this.tail.then(() => this.stepOver(partition, firstOffset, BigInt(lastOffset) + 1n));
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) this.fail(toReadError(payload.error, id.topic));
    });
  }

  private async stepOver(partition: number, firstOffset: string | null, to: bigint): Promise<void> {
    if (this.stop.signal.aborted) return;
    try {
      const from = await this.positionOf(partition, firstOffset);
      if (to > from) await this.apply({ partition, from, to, changes: [], rejects: [] });
    } catch (error) {
      this.fail(error);
    }
  }

  private async onBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    await this.tail;
    if (this.stop.signal.aborted || payload.isStale()) return;
    try {
      const from = await this.positionOf(batch.partition, batch.firstOffset());
      const to = BigInt(batch.lastOffset()) + 1n;
      if (to > from) {
        const made = makeBatch(batch.partition, from, to, batch.messages, this.decode);
        const applied = await this.apply(made, () => payload.heartbeat());
        if (!applied) return;
        this.status.rows += made.records - made.rejects.length;
      }
      // Markers after the last record in the same fetch are part of lastOffset().
      payload.resolveOffset(batch.lastOffset());
      this.tell();
    } catch (error) {
      this.fail(error);
    }
    await payload.heartbeat();
  }

  /** Where a partition stands. A jump in offsets is right after compaction and markers, wrong after deletion. */
  private async positionOf(partition: number, firstOffset: string | null): Promise<bigint> {
    const known = this.status.positions.get(partition);
    if (known !== undefined && firstOffset !== null && BigInt(firstOffset) === known) return known;
    const range = (await this.ranges()).find((each) => each.partition === partition);
    if (!range) throw new SluiceError('STORE_UNREACHABLE', `${this.id.topic} has no partition ${partition} any more`);
    if (known !== undefined) {
      checkPosition(this.id, partition, known, range.low, range.high);
      return known;
    }
    // A partition that was added while we run.
    await this.untilStoreAnswers(() => addOffset(this.options.pool, this.id, partition, range.low));
    this.status.positions.set(partition, range.low);
    return range.low;
  }

  /** Writes a batch, waiting in place while Postgres is away. False when told to stop before it was written. */
  private async apply(batch: PartitionBatch, heartbeat?: () => Promise<void>): Promise<boolean> {
    const { pool } = this.options;
    let unsure = false;
    const applied = await this.untilStoreAnswers(async () => {
      if (unsure && (await isApplied(pool, this.id, batch))) return { deleted: 0, rejected: 0 };
      unsure = true;
      return (this.write as NonNullable<typeof this.write>)(batch);
    }, heartbeat);
    if (applied === undefined) return false;
    this.status.positions.set(batch.partition, batch.to);
    this.status.deleted += applied.deleted;
    this.status.rejected += applied.rejected;
    return true;
  }

  private untilStoreAnswers<T>(work: () => Promise<T>, heartbeat?: () => Promise<void>): Promise<T | undefined> {
    return untilStoreAnswers(work, {
      signal: this.stop.signal,
      onWait: (reason) => {
        if (reason === undefined) delete this.status.waitingFor;
        else this.status.waitingFor = reason;
        this.tell();
      },
      // The group may have given us up meanwhile; then the client joins again and the positions are sought anew.
      whileWaiting: async () => heartbeat?.().catch(() => undefined),
    });
  }

  private async watchLag(): Promise<void> {
    while (!this.stop.signal.aborted) {
      try {
        let lag = 0;
        for (const { partition, low, high } of await this.ranges()) {
          const next = this.status.positions.get(partition) ?? low;
          lag += high > next ? Number(high - next) : 0;
        }
        this.status.lag = lag;
      } catch {
        delete this.status.lag;
      }
      this.tell();
      await pause(this.options.lagIntervalMs ?? 2_000, this.stop.signal);
    }
  }
}

/** An exhausted retry counts by what it retried: brokers that are away, or a topic that is not made yet, may come. */
function toReadError(error: unknown, topic: string): unknown {
  if (!(error instanceof Error && error.name.startsWith('KafkaJS'))) return error;
  const exhausted = error.name === 'KafkaJSNumberOfRetriesExceeded';
  const root = (exhausted ? (error.cause ?? error) : error) as Error & { type?: string };
  if (root.type === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return new SluiceError('STORE_UNREACHABLE', `topic ${topic} does not exist yet`, { cause: error });
  }
  return exhausted
    ? new SluiceError('STORE_UNREACHABLE', `cannot read topic ${topic}: ${root.message}`, { cause: error })
    : toKafkaError(error, `cannot read topic ${topic}`);
}

/** Copies until `signal` fires or something is wrong that waiting does not mend. */
export async function syncTopicToTable(options: TopicSyncOptions): Promise<SyncStatus> {
  const { kafka, pipeline, table, topic } = options;
  // A group of its own for each attempt: an old attempt that is still alive can never hold partitions of a new one.
  const groupId = `sluice-sync-${pipeline}-${table.table}-${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId,
    readUncommitted: false,
    allowAutoTopicCreation: false,
    sessionTimeout: 30_000,
    rebalanceTimeout: 60_000,
    maxWaitTimeInMs: 500,
    maxBytesPerPartition: FETCH_BYTES_PER_PARTITION,
    maxBytes: FETCH_BYTES,
    retry: { retries: 10, initialRetryTime: 200, maxRetryTime: 5_000 },
  });
  const admin = kafka.admin();
  try {
    await Promise.all([consumer.connect(), admin.connect()]);
    return await new TopicSync(options, consumer, admin).run();
  } catch (error) {
    throw toReadError(error, topic);
  } finally {
    await Promise.allSettled([consumer.disconnect(), admin.disconnect()]);
  }
}
