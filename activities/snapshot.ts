/** Turns a ledger row into the small snapshot that workflows see; texts of engines lose their credentials here. */
import type { EngineJobRow } from '../infra/postgres/engine-jobs.js';
import type { Pool } from '../infra/postgres/pool.js';
import type { JobSnapshot } from '../workflows/contracts/activities.js';
import type { JobStateName } from '../workflows/contracts/plans.js';
import { redact } from './lineage/redact.js';

/** A watcher that has not written for this long is taken for dead by the safety net. */
const WATCHER_STALE_MS = 60_000;
const CHECK_WATCHED_MS = 2 * 3_600_000;
const CHECK_UNWATCHED_MS = 2 * 60_000;

export async function toSnapshot(pool: Pool, row: EngineJobRow): Promise<JobSnapshot> {
  const { rows } = await pool.query<{ fresh: boolean }>(
    `select coalesce(heartbeat_at > now() - $2 * interval '1 millisecond', false) as fresh from control.cluster where name = $1`,
    [row.cluster, WATCHER_STALE_MS],
  );
  const base = rows[0]?.fresh ? CHECK_WATCHED_MS : CHECK_UNWATCHED_MS;
  return {
    key: row.key,
    state: row.state as JobStateName,
    nativeState: row.native_state,
    observation: Number(row.observation),
    nextCheckMs: Math.round(base * (1 + Math.random() * 0.2)),
    ...(row.engine_job_id ? { engineJobId: row.engine_job_id } : {}),
    ...(row.link ? { link: row.link } : {}),
    ...(row.reason ? { reason: redact(row.reason) } : {}),
    ...(row.blame ? { blame: row.blame as 'user' | 'platform' | 'resources' } : {}),
    ...(row.out_of_memory ? { outOfMemory: true } : {}),
    ...(row.restarts === null ? {} : { restarts: row.restarts }),
    ...(row.restore_point ? { restorePoint: row.restore_point } : {}),
  };
}
