/** Result topics into curated tables: one long activity per table that copies and heartbeats, and a look at its lag. */
import { Context } from '@temporalio/activity';
import type { Kafka } from 'kafkajs';
import { topicRanges } from '../infra/kafka/admin-topics.js';
import { readOffsets } from '../infra/kafka/topic-sync-offsets.js';
import { syncTopicToTable, type SyncStatus } from '../infra/kafka/topic-sync.js';
import type { Pool } from '../infra/postgres/pool.js';
import type { SyncActivities, SyncLag, SyncProgress, SyncTopicInput } from '../workflows/contracts/sync.js';
import { withFailures } from './failures.js';

export interface SyncDeps {
  pool: Pool;
  kafka: Kafka;
  /** How long one activity copies before it hands over to the next; default one hour. */
  syncPassMs?: number;
}

const PASS_MS = 3_600_000;
const HEARTBEAT_MS = 3_000;
const SCHEMA = 'curated';

function toProgress(status: SyncStatus): SyncProgress {
  const { positions, rows, deleted, rejected, lag, waitingFor } = status;
  return {
    offsets: Object.fromEntries([...positions].map(([partition, next]) => [String(partition), next.toString()])),
    rows,
    deleted,
    rejected,
    ...(lag === undefined ? {} : { lag }),
    ...(waitingFor === undefined ? {} : { waitingFor }),
  };
}

export function createSyncActivities(deps: SyncDeps): SyncActivities {
  const { pool, kafka } = deps;
  return withFailures<SyncActivities>({
    async syncTopic(input) {
      const context = Context.current();
      let progress: SyncProgress = { offsets: {}, rows: 0, deleted: 0, rejected: 0 };
      const beat = setInterval(() => context.heartbeat(progress), HEARTBEAT_MS);
      const stop = new AbortController();
      const passEnds = setTimeout(() => stop.abort(), deps.syncPassMs ?? PASS_MS);
      const onCancel = (): void => stop.abort();
      context.cancellationSignal.addEventListener('abort', onCancel, { once: true });
      if (context.cancellationSignal.aborted) onCancel();
      try {
        const status = await syncTopicToTable({
          pool,
          kafka,
          pipeline: input.pipeline,
          topic: input.topic,
          table: {
            schema: SCHEMA,
            table: input.table,
            columns: input.columns,
            key: input.key,
            ...(input.replaceBy === undefined ? {} : { replaceBy: input.replaceBy }),
          },
          onReject: input.onReject ?? 'divert',
          signal: stop.signal,
          onStatus: (now) => {
            progress = toProgress(now);
          },
        });
        progress = toProgress(status);
      } finally {
        clearInterval(beat);
        clearTimeout(passEnds);
        context.cancellationSignal.removeEventListener('abort', onCancel);
      }
      // Only now: what was under way is committed or left out whole.
      context.heartbeat(progress);
      if (context.cancellationSignal.aborted) await context.cancelled;
      return progress;
    },

    async syncLag(input: SyncTopicInput): Promise<SyncLag> {
      // Positions before ends, so that a lag of 0 means that everything up to now is in the table.
      const positions = await readOffsets(pool, { pipeline: input.pipeline, table: input.table, topic: input.topic });
      const partitions = (await topicRanges(kafka, input.topic)).map(({ partition, low, high }) => {
        const next = positions.get(partition) ?? low;
        const lag = high > next ? Number(high - next) : 0;
        return { partition, next: next.toString(), end: high.toString(), lag };
      });
      return { lag: partitions.reduce((sum, each) => sum + each.lag, 0), partitions };
    },
  });
}
