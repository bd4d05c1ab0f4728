/** What the topic itself says about a load: the last closed day and where it stands; the topic is the truth. */
import type { Kafka } from 'kafkajs';
import { SluiceError } from '../../infra/errors.js';
import { topicRanges } from '../../infra/kafka/admin-topics.js';
import { readTopic } from '../../infra/kafka/client-read.js';
import type { EndOffset } from '../../infra/postgres/source-loads.js';

/** Header of the closing records: content hash of the load that wrote them. */
export const LOAD_HEADER = 'sluice-load';

export interface TopicState {
  /** Last day that is closed in every partition; undefined when none is. */
  lastDay: string | undefined;
  /** Content hash of the load that wrote the topic. */
  contentHash: string | undefined;
  /** Offset after the closing record of that day. */
  endOffsets: EndOffset[];
}

/** A first look at the end of each partition; more than the records of an aborted day. */
const TAIL_RECORDS = 2_000n;

interface Closing {
  day: string;
  contentHash: string | undefined;
  next: bigint;
}

function closingDay(value: string | null): string | undefined {
  if (value === null || !value.includes('"dayClosed"')) return undefined;
  const { type, day } = JSON.parse(value) as { type?: unknown; day?: unknown };
  return type === 'dayClosed' && typeof day === 'string' ? day : undefined;
}

async function lastClosings(kafka: Kafka, topic: string, from: Map<number, bigint>): Promise<Map<number, Closing>> {
  const found = new Map<number, Closing>();
  await readTopic(
    kafka,
    topic,
    ({ partition, offset, value, headers }) => {
      const day = closingDay(value);
      if (day === undefined) return;
      found.set(partition, { day, contentHash: headers[LOAD_HEADER], next: offset + 1n });
    },
    { from },
  );
  return found;
}

/** Call it only while no writer of the load can have a transaction open, that is after fencing. */
export async function readTopicState(kafka: Kafka, topic: string): Promise<TopicState> {
  const ranges = await topicRanges(kafka, topic);
  if (ranges.every(({ low, high }) => low === 0n && high === 0n)) {
    return { lastDay: undefined, contentHash: undefined, endOffsets: [] };
  }
  if (ranges.some(({ low }) => low > 0n)) {
    throw new SluiceError('STORE_CONFLICT', `topic ${topic} has lost its first records: sluice down --wipe`);
  }
  const tail = new Map(
    ranges.map(({ partition, high }) => [partition, high > TAIL_RECORDS ? high - TAIL_RECORDS : 0n]),
  );
  let closings = await lastClosings(kafka, topic, tail);
  if (ranges.some(({ partition }) => !closings.has(partition) && (tail.get(partition) ?? 0n) > 0n)) {
    closings = await lastClosings(kafka, topic, new Map());
  }
  const days = new Set(ranges.map(({ partition }) => closings.get(partition)?.day));
  const hashes = new Set(ranges.map(({ partition }) => closings.get(partition)?.contentHash));
  if (days.size !== 1 || hashes.size !== 1) {
    throw new SluiceError(
      'STORE_CONFLICT',
      `the partitions of topic ${topic} end with different days: sluice down --wipe`,
    );
  }
  return {
    lastDay: [...days][0],
    contentHash: [...hashes][0],
    endOffsets: [...closings]
      .map(([partition, { next }]) => ({ partition, endOffset: next.toString() }))
      .sort((left, right) => left.partition - right.partition),
  };
}
