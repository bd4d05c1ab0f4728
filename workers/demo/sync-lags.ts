/** How far each result topic is ahead of its curated table. */
import type { Kafka } from 'kafkajs';
import { createSyncActivities } from '../../activities/sync.js';
import type { Pool } from '../../infra/postgres/pool.js';
import type { Pipeline } from '../../pipelines/pipeline.js';

export interface TableLag {
  table: string;
  lag: number;
}

export async function syncLags(kafka: Kafka, pool: Pool, pipelines: readonly Pipeline[]): Promise<TableLag[]> {
  const activities = createSyncActivities({ pool, kafka });
  const tables = pipelines.flatMap((pipeline) =>
    Object.values(pipeline.curated).flatMap((spec) =>
      spec.mode === 'upsert' ? [{ pipeline: pipeline.name, spec }] : [],
    ),
  );
  return Promise.all(
    tables.map(async ({ pipeline, spec: { table, topic, columns, key } }) => {
      const { lag } = await activities.syncLag({ pipeline, table, topic, columns, key, mode: 'upsert' });
      return { table, lag };
    }),
  );
}
