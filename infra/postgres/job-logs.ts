/** What the ledger knows of jobs' logs: which are wanted, which are kept, and the submissions of a run or stream. */
import type { EngineJobRow } from './engine-jobs.js';
import type { Pool } from './pool.js';

/** The first try comes at once, the others so many seconds after the job's end: an engine that restarts comes back. */
const TRIED_AGAIN_SECONDS = [5, 30, 120, 600];

/** After so many tries in vain a log counts as not to be had. */
export const MAX_LOG_TRIES = 1 + TRIED_AGAIN_SECONDS.length;

/** Ended jobs of a cluster whose log is neither kept nor given up and whose next try is due, oldest end first. */
export async function listWantedLogs(
  pool: Pool,
  cluster: string,
  nowMs: number,
  limit: number,
): Promise<EngineJobRow[]> {
  const { rows } = await pool.query<EngineJobRow>(
    `select * from control.engine_job
     where cluster = $1 and ended_at is not null and log_kept_at is null and submitted_at is not null
       and (log_tries = 0 or ended_at + make_interval(secs => ($4::int[])[log_tries]) <= to_timestamp($2::float8 / 1000))
     order by ended_at, key limit $3`,
    [cluster, nowMs, limit, TRIED_AGAIN_SECONDS],
  );
  return rows;
}

/** Closes the book of a job's log; without an address there is none. */
export async function markLogKept(pool: Pool, key: string, url: string | undefined): Promise<void> {
  await pool.query(
    `update control.engine_job set log_url = $2, log_kept_at = now() where key = $1 and log_kept_at is null`,
    [key, url ?? null],
  );
}

/** Counts a try in vain; true when it was the last one. */
export async function markLogTried(pool: Pool, key: string): Promise<boolean> {
  const { rows } = await pool.query<{ log_kept_at: string | null }>(
    `update control.engine_job set log_tries = log_tries + 1,
       log_kept_at = case when log_tries + 1 >= $2 then now() end
     where key = $1 and log_kept_at is null returning log_kept_at`,
    [key, MAX_LOG_TRIES],
  );
  return rows[0] !== undefined && rows[0].log_kept_at !== null;
}

/** One life of a run as its book has it. */
export interface RunBook {
  workflow_id: string;
  first_run_id: string;
  pipeline: string;
  partition: string;
  state: string;
  message: string | null;
  started_at: string;
  ended_at: string | null;
}

const RUN_COLUMNS = 'workflow_id, first_run_id, pipeline, partition, state, message, started_at, ended_at';

/** The newest life of each run that bears this id, with or without its `run/`, or that ran this `<pipeline>/<partition>`; newest first. */
export async function findRuns(pool: Pool, text: string): Promise<RunBook[]> {
  const { rows } = await pool.query<RunBook>(
    `select * from (
       select distinct on (workflow_id) ${RUN_COLUMNS} from control.run
       where workflow_id in ($1, 'run/' || $1) or pipeline || '/' || partition = $1
       order by workflow_id, started_at desc) newest
     order by started_at desc`,
    [text],
  );
  return rows;
}

/** Ids of the newest runs, and those of all streams that were ever submitted. */
export async function knownIds(pool: Pool, limit: number): Promise<{ runs: string[]; streams: string[] }> {
  const runs = await pool.query<{ id: string }>(
    `select workflow_id as id from control.run group by workflow_id order by max(started_at) desc limit $1`,
    [limit],
  );
  const streams = await pool.query<{ id: string }>(
    `select distinct owner_workflow_id as id from control.engine_job where kind = 'stream' order by 1`,
  );
  return { runs: runs.rows.map(({ id }) => id), streams: streams.rows.map(({ id }) => id) };
}

/** Every submission that one life of a run made, in the order of their intents. */
export async function submissionsOfRun(
  pool: Pool,
  run: { workflow_id: string; first_run_id: string },
): Promise<EngineJobRow[]> {
  const { rows } = await pool.query<EngineJobRow>(
    `select * from control.engine_job
     where kind = 'stage' and owner_workflow_id = $1 || '/' || part and facts -> 'run' ->> 'firstRunId' = $2
     order by intent_at, submission`,
    [run.workflow_id, run.first_run_id],
  );
  return rows;
}

/** Every submission of a stream's newest supervisor chain, in the order of their intents. */
export async function submissionsOfStream(pool: Pool, workflowId: string): Promise<EngineJobRow[]> {
  const { rows } = await pool.query<EngineJobRow>(
    `select * from control.engine_job
     where kind = 'stream' and owner_workflow_id = $1 and owner_first_run_id = (
       select owner_first_run_id from control.engine_job
       where kind = 'stream' and owner_workflow_id = $1 order by intent_at desc limit 1)
     order by intent_at, submission`,
    [workflowId],
  );
  return rows;
}

/** How many submissions each stage made, for each of the given runs, keyed by the run's first run id. */
export async function countSubmissions(
  pool: Pool,
  runs: readonly { workflow_id: string; first_run_id: string }[],
): Promise<Map<string, Record<string, number>>> {
  const { rows } = await pool.query<{ first_run_id: string; part: string; count: number }>(
    `select run.first_run_id, job.part, count(*)::int as count
     from unnest($1::text[], $2::text[]) as run (workflow_id, first_run_id)
     join control.engine_job job on job.kind = 'stage' and job.owner_workflow_id = run.workflow_id || '/' || job.part
       and job.facts -> 'run' ->> 'firstRunId' = run.first_run_id
     group by 1, 2 order by min(job.intent_at)`,
    [runs.map((run) => run.workflow_id), runs.map((run) => run.first_run_id)],
  );
  const counts = new Map<string, Record<string, number>>();
  for (const row of rows) {
    counts.set(row.first_run_id, { ...counts.get(row.first_run_id), [row.part]: row.count });
  }
  return counts;
}
