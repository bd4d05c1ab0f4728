/** What reconcile reads and remembers: jobs that may live without an owner, runs that may have died, and its last report. */
import type { EngineJobRow } from './engine-jobs.js';
import type { Pool } from './pool.js';

/** As little of a job as decides whether it needs a closer look: a cluster may have thousands. */
export type OpenJob = Pick<
  EngineJobRow,
  | 'key'
  | 'kind'
  | 'pipeline'
  | 'part'
  | 'partition'
  | 'owner_workflow_id'
  | 'owner_first_run_id'
  | 'intent_at'
  | 'ended_at'
  | 'settled'
  | 'ownerless'
  | 'orphan_passes'
>;

const OPEN_COLUMNS = `key, kind, pipeline, part, partition, owner_workflow_id, owner_first_run_id, intent_at, ended_at,
  settled, ownerless, orphan_passes`;

/** Every job of the cluster that has not ended in our book, or whose book is still open although it has. */
export async function listOpenJobs(pool: Pool, engine: string, cluster: string): Promise<OpenJob[]> {
  const { rows } = await pool.query<OpenJob>(
    `select ${OPEN_COLUMNS} from control.engine_job
     where engine = $1 and cluster = $2 and (ended_at is null or settled is null) order by intent_at`,
    [engine, cluster],
  );
  return rows;
}

/** By owner's workflow id the first run id of the chain that submitted last, on whatever cluster. */
export async function newestChains(pool: Pool, workflowIds: readonly string[]): Promise<Map<string, string>> {
  const { rows } = await pool.query<{ id: string; chain: string }>(
    `select distinct on (owner_workflow_id) owner_workflow_id as id, owner_first_run_id as chain
     from control.engine_job where owner_workflow_id = any($1) order by owner_workflow_id, intent_at desc, submission desc`,
    [workflowIds],
  );
  return new Map(rows.map(({ id, chain }) => [id, chain]));
}

export async function openJobsByKey(pool: Pool, keys: readonly string[]): Promise<OpenJob[]> {
  if (keys.length === 0) return [];
  const { rows } = await pool.query<OpenJob>(`select ${OPEN_COLUMNS} from control.engine_job where key = any($1)`, [
    keys,
  ]);
  return rows;
}

export async function jobsByKey(pool: Pool, keys: readonly string[]): Promise<EngineJobRow[]> {
  if (keys.length === 0) return [];
  const { rows } = await pool.query<EngineJobRow>('select * from control.engine_job where key = any($1)', [keys]);
  return rows;
}

export interface Sightings {
  /** Passes that have seen it without an owner, this one included. */
  passes: number;
  /** Since the first of them. */
  ageMs: number;
}

/** Counts this pass for an orphan. */
export async function noteOrphan(pool: Pool, key: string): Promise<Sightings> {
  const { rows } = await pool.query<Sightings>(
    `update control.engine_job set orphan_since = coalesce(orphan_since, now()), orphan_passes = orphan_passes + 1
     where key = $1
     returning orphan_passes as passes, (extract(epoch from now() - orphan_since) * 1000)::float8 as "ageMs"`,
    [key],
  );
  return rows[0] ?? { passes: 0, ageMs: 0 };
}

/** Forgets earlier sightings of all jobs of the cluster but these: a pass that found the owner again starts from nothing. */
export async function forgetSightings(pool: Pool, cluster: string, except: readonly string[]): Promise<void> {
  await pool.query(
    `update control.engine_job set orphan_since = null, orphan_passes = 0
     where cluster = $1 and orphan_passes > 0 and not key = any($2)`,
    [cluster, except],
  );
}

/** Whether our own book says that the run of a stage's job has ended. */
export async function runHasEnded(pool: Pool, job: OpenJob): Promise<boolean> {
  if (job.kind !== 'stage') return false;
  const { rows } = await pool.query<{ ended: boolean }>(
    `select exists (select from control.run r where r.workflow_id || '/' || $2 = $1 and r.pipeline = $3
       and r.partition = $4 and r.ended_at >= $5::timestamptz) as ended`,
    [job.owner_workflow_id, job.part, job.pipeline, job.partition, job.intent_at],
  );
  return rows[0]?.ended === true;
}

export interface RunningRun {
  workflowId: string;
  firstRunId: string;
}

/** All runs that our book calls running, the oldest first. */
export async function listRunningRuns(pool: Pool): Promise<RunningRun[]> {
  const { rows } = await pool.query<RunningRun>(
    `select workflow_id as "workflowId", first_run_id as "firstRunId" from control.run
     where state = 'running' order by started_at`,
  );
  return rows;
}

export async function saveReconcileReport(pool: Pool, cluster: string, report: unknown): Promise<void> {
  await pool.query(
    `insert into control.reconcile_report (cluster, report, at) values ($1, $2, now())
     on conflict (cluster) do update set report = excluded.report, at = excluded.at`,
    [cluster, JSON.stringify(report)],
  );
}
