/** The product's topics, created once with their settings, and where each of their partitions ends. */
import type { Admin, ITopicConfig, Kafka } from 'kafkajs';
import { SluiceError } from '../errors.js';
import { toKafkaError } from './client.js';

export const SALES_TOPIC = 'sales.raw';

export const RESULT_TOPICS = [
  'results.city-sales-live',
  'results.city-sales-sliding',
  'results.salesman-live',
  'results.salesman-monthly',
  'results.salesman-overtakes',
] as const;

export interface TopicSpec {
  topic: string;
  /** Default 4. */
  partitions?: number;
  config: Readonly<Record<string, string>>;
}

/** A source topic keeps everything for ever. */
export function sourceTopicSpec(topic: string): TopicSpec {
  return { topic, config: { 'retention.ms': '-1', 'retention.bytes': '-1', 'cleanup.policy': 'delete' } };
}

/** A result topic keeps the newest value of each key. Nothing expires by age. */
export const TOPICS: readonly TopicSpec[] = [
  sourceTopicSpec(SALES_TOPIC),
  ...RESULT_TOPICS.map((topic) => ({ topic, config: { 'retention.ms': '-1', 'cleanup.policy': 'compact' } })),
];

export const DEFAULT_PARTITIONS = 4;

/** Runs `work` with a connected admin client and closes it. */
export async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } catch (error) {
    throw toKafkaError(error, 'Kafka admin request failed');
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/**
 * Creates the topics that are missing and returns their names. A topic that exists with another number of
 * partitions is refused: keys would move between partitions.
 */
export async function createTopics(kafka: Kafka, specs: readonly TopicSpec[] = TOPICS): Promise<string[]> {
  return withAdmin(kafka, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const missing = specs.filter(({ topic }) => !existing.has(topic));
    const topics: ITopicConfig[] = missing.map(({ topic, partitions, config }) => ({
      topic,
      numPartitions: partitions ?? DEFAULT_PARTITIONS,
      replicationFactor: -1,
      configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
    }));
    // The client answers false when another process was faster, which is as good.
    if (topics.length > 0) await admin.createTopics({ topics, waitForLeaders: true, timeout: 15_000 });
    const present = specs.filter(({ topic }) => existing.has(topic));
    if (present.length > 0) {
      const metadata = await admin.fetchTopicMetadata({ topics: present.map(({ topic }) => topic) });
      for (const { name, partitions } of metadata.topics) {
        const want = present.find(({ topic }) => topic === name)?.partitions ?? DEFAULT_PARTITIONS;
        if (partitions.length !== want) {
          throw new SluiceError(
            'CONFIG_INVALID',
            `topic ${name} has ${partitions.length} partitions, ${want} are needed: delete it or use another cluster`,
          );
        }
      }
    }
    return missing.map(({ topic }) => topic);
  });
}

export interface PartitionRange {
  partition: number;
  /** First offset still kept. */
  low: bigint;
  /** Offset after the newest record, control records included. */
  high: bigint;
}

export async function topicRanges(kafka: Kafka, topic: string): Promise<PartitionRange[]> {
  return withAdmin(kafka, async (admin) => {
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets
      .map(({ partition, low, high }) => ({ partition, low: BigInt(low), high: BigInt(high) }))
      .sort((left, right) => left.partition - right.partition);
  });
}
