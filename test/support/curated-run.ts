/** A run of a small day-partitioned table against a real Postgres, up to publishing, with everything in one object. */
import { randomBytes } from 'node:crypto';
import { createCuratedActivities } from '../../activities/curated.js';
import type { Pool } from '../../infra/postgres/pool.js';
import type { CuratedRun, CuratedTable, PublishTableInput } from '../../workflows/contracts/curated.js';
import { MemoryObjects, writeSubmission } from './submission.js';

export const SALES: CuratedTable = {
  table: 'city_sales',
  output: 'city_sales',
  columns: { business_date: 'date', city: 'text', sales: 'numeric(18,4)', orders: 'bigint' },
  key: ['business_date', 'city'],
  partitionColumn: 'business_date',
  grain: 'day',
};

export const newKey = (): string => randomBytes(16).toString('hex');

export function activitiesFor(
  pool: Pool,
  objects: MemoryObjects,
  heartbeat: (details: string) => void = () => undefined,
  signal: AbortSignal = new AbortController().signal,
): ReturnType<typeof createCuratedActivities> {
  return createCuratedActivities({ pool, objects, heartbeat, cancellation: () => signal });
}

export function runFor(from: string, to: string, id = newKey()): CuratedRun {
  return {
    workflowId: `run/test/${from}_${to}`,
    firstRunId: id,
    runId: id,
    pipeline: 'test',
    from,
    to,
    specHash: 'code-1',
    lineageRunId: '00000000-0000-4000-8000-000000000001',
  };
}

/** Gives the run's days to it, as the claim activity does. */
export async function claim(pool: Pool, run: CuratedRun, fence: number): Promise<void> {
  await pool.query(
    `insert into control.partition_claim (pipeline, day, owner_workflow_id, owner_first_run_id, fence, held)
     select $1, d::date, $2, $3, $4, true from generate_series($5::date, $6::date - 1, interval '1 day') d
     on conflict (pipeline, day) do update set owner_workflow_id = excluded.owner_workflow_id,
       owner_first_run_id = excluded.owner_first_run_id, fence = excluded.fence, held = true`,
    [run.pipeline, run.workflowId, run.firstRunId, fence, run.from, run.to],
  );
}

/** Loads `queries` as the run's output and returns what publishing needs. */
export async function stage(
  pool: Pool,
  run: CuratedRun,
  queries: readonly string[],
  options: { table?: CuratedTable; fence?: number; key?: string } = {},
): Promise<PublishTableInput> {
  const { table = SALES, fence = 1, key = newKey() } = options;
  const objects = new MemoryObjects();
  const manifest = await writeSubmission(objects, key, table.output, queries);
  const { stagingTable } = await activitiesFor(pool, objects).loadStaging({ run, table, manifest, submissionKey: key });
  return { run, table, stagingTable, submissionKey: key, fence, onEmpty: 'fail' };
}

/** A query that gives `count` rows of one day, each worth `amount`. */
export const day = (date: string, count: number, amount = '1.5000'): string =>
  `select date '${date}' as business_date, 'city ' || i as city, ${amount}::decimal(18,4) as sales, 1::bigint as orders
   from range(${count}) t(i)`;
