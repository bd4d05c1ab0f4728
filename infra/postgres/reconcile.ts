/** What reconcile reads and remembers: jobs that may live without an owner, runs that may have died, and its last report. */
import type { EngineJobRow } from './engine-jobs.js';
import type { Pool } from './pool.js';

/** Every job of the cluster that has not ended in our book, whether or not the engine ever confirmed it. */
export async function listOpenJobs(pool: Pool, engine: string, cluster: string): Promise<EngineJobRow[]> {
  const { rows } = await pool.query<EngineJobRow>(
    'select * from control.engine_job where engine = $1 and cluster = $2 and ended_at is null order by intent_at',
    [engine, cluster],
  );
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
export async function runHasEnded(pool: Pool, job: EngineJobRow): Promise<boolean> {
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

/** Runs that our book calls running, the oldest first. */
export async function listRunningRuns(pool: Pool, limit: number): Promise<RunningRun[]> {
  const { rows } = await pool.query<RunningRun>(
    `select workflow_id as "workflowId", first_run_id as "firstRunId" from control.run
     where state = 'running' order by started_at limit $1`,
    [limit],
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
