/** Reads a stretch of a topic's committed records to its present end, outside of any lasting consumer group. */
import { randomUUID } from 'node:crypto';
import type { Kafka, KafkaMessage } from 'kafkajs';
import { SluiceError } from '../errors.js';
import { topicRanges, withAdmin } from './admin-topics.js';
import { toKafkaError } from './client.js';

export interface ReadRecord {
  partition: number;
  offset: bigint;
  key: string | null;
  /** null = a tombstone. */
  value: string | null;
  /** Milliseconds since epoch. */
  timestampMs: number;
  headers: Readonly<Record<string, string>>;
}

export interface ReadOptions {
  /** First offset per partition; a partition that is left out is read from its beginning. */
  from?: ReadonlyMap<number, bigint>;
  /** No progress for this long is an error; default 20 s. */
  stallTimeoutMs?: number;
}

function toRecord(partition: number, message: KafkaMessage): ReadRecord {
  return {
    partition,
    offset: BigInt(message.offset),
    key: message.key?.toString('utf8') ?? null,
    value: message.value?.toString('utf8') ?? null,
    timestampMs: Number(message.timestamp),
    headers: Object.fromEntries(
      Object.entries(message.headers ?? {}).map(([name, header]) => [name, String(header ?? '')]),
    ),
  };
}

/** Hands every committed record between `from` and the end found at the start to `onRecord`, per partition in order. */
export async function readTopic(
  kafka: Kafka,
  topic: string,
  onRecord: (record: ReadRecord) => void,
  options: ReadOptions = {},
): Promise<void> {
  const ranges = await topicRanges(kafka, topic);
  const open = new Map<number, { next: bigint; end: bigint }>();
  for (const { partition, low, high } of ranges) {
    const wanted = options.from?.get(partition) ?? low;
    const next = wanted > low ? wanted : low;
    if (next < high) open.set(partition, { next, end: high });
  }
  if (open.size === 0) return;

  const groupId = `sluice-read-${randomUUID()}`;
  const consumer = kafka.consumer({ groupId, readUncommitted: false, maxWaitTimeInMs: 200, sessionTimeout: 30_000 });
  const stallTimeoutMs = options.stallTimeoutMs ?? 20_000;
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      let timer: NodeJS.Timeout;
      const alive = (): void => {
        clearTimeout(timer);
        timer = setTimeout(
          () => reject(new SluiceError('STORE_UNREACHABLE', `no records from topic ${topic} for ${stallTimeoutMs} ms`)),
          stallTimeoutMs,
        );
      };
      const passed = (partition: number, lastOffset: bigint): void => {
        alive();
        const state = open.get(partition);
        if (!state || lastOffset + 1n < state.end) return;
        open.delete(partition);
        if (open.size === 0) {
          clearTimeout(timer);
          resolve();
        }
      };
      alive();
      // Also after a restart of the consumer, which begins anew with the group.
      consumer.on(consumer.events.GROUP_JOIN, () => {
        for (const [partition, { next }] of open) consumer.seek({ topic, partition, offset: next.toString() });
      });
      // Batches that hold only transaction markers or aborted records reach this event and nothing else.
      consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
        if (payload.topic === topic && payload.lastOffset !== null)
          passed(payload.partition, BigInt(payload.lastOffset));
      });
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        if (payload.restart) return;
        clearTimeout(timer);
        reject(toKafkaError(payload.error, `cannot read topic ${topic}`));
      });
      consumer
        .run({
          autoCommit: false,
          eachBatch: ({ batch }) => {
            for (const message of batch.messages) {
              const state = open.get(batch.partition);
              const record = toRecord(batch.partition, message);
              if (!state || record.offset < state.next || record.offset >= state.end) continue;
              state.next = record.offset + 1n;
              onRecord(record);
            }
            return Promise.resolve();
          },
        })
        .catch((error: unknown) => {
          clearTimeout(timer);
          reject(toKafkaError(error, `cannot read topic ${topic}`));
        });
    });
  } catch (error) {
    throw toKafkaError(error, `cannot read topic ${topic}`);
  } finally {
    await consumer.disconnect().catch(() => undefined);
    await withAdmin(kafka, (admin) => admin.deleteGroups([groupId])).catch(() => undefined);
  }
}
