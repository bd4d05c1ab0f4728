/** Earlier submissions of a stream that never ended in the ledger, and who took them over. */
import type { EngineJobRow } from './engine-jobs.js';
import type { Pool } from './pool.js';

/** Key in a submission's stored document under which the submissions that it took over are listed. */
const ADOPTED = 'adopted';

/** Other submissions of the same stream on the same cluster that have not ended, the newest first. */
export async function listOpenTwins(pool: Pool, row: EngineJobRow): Promise<EngineJobRow[]> {
  const { rows } = await pool.query<EngineJobRow>(
    `select * from control.engine_job
     where kind = 'stream' and pipeline = $1 and part = $2 and cluster = $3 and key <> $4 and ended_at is null
       and not (owner_workflow_id = $5 and owner_first_run_id = $6 and submission > $7)
     order by intent_at desc, submission desc`,
    [row.pipeline, row.part, row.cluster, row.key, row.owner_workflow_id, row.owner_first_run_id, row.submission],
  );
  return rows;
}

/** Remembers, before anything is ended, whose state this submission goes on from; a repeat adds nothing. */
export async function recordAdoption(pool: Pool, key: string, adopted: readonly string[]): Promise<void> {
  await pool.query(
    `update control.engine_job set spec = jsonb_set(spec, array[$2::text], (
       select jsonb_agg(distinct one) from jsonb_array_elements(coalesce(spec -> $2::text, '[]') || $3::jsonb) as one))
     where key = $1`,
    [key, ADOPTED, JSON.stringify(adopted)],
  );
}

/** Starts the submission from the newest restore point of what it took over; returns its row, changed or not. */
export async function restoreFromAdopted(pool: Pool, key: string): Promise<EngineJobRow | undefined> {
  const { rows } = await pool.query<EngineJobRow>(
    `update control.engine_job job set spec = jsonb_set(job.spec, '{restoreFrom}', to_jsonb(old.restore_point))
     from (select orphan.restore_point from control.engine_job orphan, control.engine_job heir
           where heir.key = $1 and orphan.restore_point is not null
             and coalesce(heir.spec -> $2::text, '[]') ? orphan.key
           order by orphan.intent_at desc, orphan.submission desc limit 1) old
     where job.key = $1 and job.submitted_at is null and not job.spec ? 'restoreFrom'
     returning job.*`,
    [key, ADOPTED],
  );
  return rows[0];
}
