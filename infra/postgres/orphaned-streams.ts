/** Earlier submissions of a stream: those that may still live, and the newest state that one of them left. */
import type { EngineJobRow } from './engine-jobs.js';
import type { Pool } from './pool.js';

/**
 * Other submissions of the same stream on the same cluster that have not ended, the newest first; and the one just before
 * this one if the engine had lost it, for it may remember.
 */
export async function listOpenTwins(pool: Pool, row: EngineJobRow): Promise<EngineJobRow[]> {
  const { rows } = await pool.query<EngineJobRow>(
    `select * from control.engine_job
     where kind = 'stream' and pipeline = $1 and part = $2 and cluster = $3 and key <> $4
       and (ended_at is null or
            (state = 'lost' and owner_workflow_id = $5 and owner_first_run_id = $6 and submission = $7 - 1))
       and not (owner_workflow_id = $5 and owner_first_run_id = $6 and submission > $7)
     order by intent_at desc, submission desc`,
    [row.pipeline, row.part, row.cluster, row.key, row.owner_workflow_id, row.owner_first_run_id, row.submission],
  );
  return rows;
}

/**
 * Has the submission start from the newest state that any earlier submission of the stream left on its cluster, unless it
 * names a state itself. A supervisor that was asked to begin anew goes on only from its own submissions. Returns the row
 * when it changed; once it was submitted it changes no more.
 */
export async function restoreFromEarlier(pool: Pool, key: string): Promise<EngineJobRow | undefined> {
  const { rows } = await pool.query<EngineJobRow>(
    `update control.engine_job job set spec = jsonb_set(job.spec, '{restoreFrom}', to_jsonb(old.restore_point))
     from (select earlier.restore_point from control.engine_job earlier, control.engine_job heir
           where heir.key = $1 and earlier.key <> heir.key and earlier.kind = 'stream'
             and earlier.pipeline = heir.pipeline and earlier.part = heir.part and earlier.cluster = heir.cluster
             and earlier.engine = heir.engine and earlier.intent_at <= heir.intent_at
             and earlier.restore_point is not null
             and (not coalesce((heir.spec -> 'fresh')::boolean, false)
                  or (earlier.owner_workflow_id = heir.owner_workflow_id
                      and earlier.owner_first_run_id = heir.owner_first_run_id))
           order by earlier.intent_at desc, earlier.submission desc limit 1) old
     where job.key = $1 and job.submitted_at is null and not job.spec ? 'restoreFrom'
     returning job.*`,
    [key],
  );
  return rows[0];
}
