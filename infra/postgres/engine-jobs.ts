/** The ledger of engine jobs: intent before action, what the engine said, and what the owner acknowledged. */
import type { Pool, PoolClient } from './pool.js';
import { storableJson, storableText } from './storable-text.js';

export interface EngineJobRow {
  key: string;
  tag: string;
  engine: string;
  cluster: string;
  kind: 'stage' | 'stream';
  pipeline: string;
  part: string;
  partition: string | null;
  generation: number | null;
  owner_workflow_id: string;
  owner_first_run_id: string;
  submission: number;
  spec: Record<string, unknown>;
  facts: Record<string, unknown>;
  lineage_run_id: string;
  engine_job_id: string | null;
  link: string | null;
  state: string;
  native_state: string;
  reason: string | null;
  blame: string | null;
  out_of_memory: boolean | null;
  restarts: number | null;
  restore_point: string | null;
  progress: Record<string, string | number> | null;
  observation: string;
  acked_observation: string;
  signalled_at: string | null;
  signal_attempts: number;
  ownerless: boolean;
  settled: string | null;
  intent_at: string;
  submitted_at: string | null;
  observed_at: string | null;
  ended_at: string | null;
  /** Where the tail of its log was copied after its end. */
  log_url: string | null;
  log_tries: number;
  log_kept_at: string | null;
  /** When a pass of reconcile first found it alive with a closed owner, and how many passes in a row did. */
  orphan_since: string | null;
  orphan_passes: number;
}

export interface NewEngineJob {
  key: string;
  tag: string;
  engine: string;
  cluster: string;
  kind: 'stage' | 'stream';
  pipeline: string;
  part: string;
  partition?: string;
  generation?: number;
  ownerWorkflowId: string;
  ownerFirstRunId: string;
  submission: number;
  spec: unknown;
  facts: unknown;
  lineageRunId: string;
}

/** Returns true when the row is new; a repeat of the same intent changes nothing. */
export async function insertIntent(client: PoolClient, job: NewEngineJob): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into control.engine_job (key, tag, engine, cluster, kind, pipeline, part, partition, generation,
       owner_workflow_id, owner_first_run_id, submission, spec, facts, lineage_run_id, state)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'pending')
     on conflict (key) do nothing`,
    [
      job.key,
      job.tag,
      job.engine,
      job.cluster,
      job.kind,
      job.pipeline,
      job.part,
      job.partition ?? null,
      job.generation ?? null,
      job.ownerWorkflowId,
      job.ownerFirstRunId,
      job.submission,
      JSON.stringify(job.spec),
      JSON.stringify(job.facts),
      job.lineageRunId,
    ],
  );
  return rowCount === 1;
}

export async function getEngineJob(pool: Pool | PoolClient, key: string): Promise<EngineJobRow | undefined> {
  const { rows } = await pool.query<EngineJobRow>('select * from control.engine_job where key = $1', [key]);
  return rows[0];
}

/** Watched = submitted and not terminal, or observed and not yet acknowledged, with a living owner. */
export async function listWatched(pool: Pool, cluster: string): Promise<EngineJobRow[]> {
  const { rows } = await pool.query<EngineJobRow>(
    `select * from control.engine_job
     where cluster = $1 and (ended_at is null or observation > acked_observation) and not ownerless and submitted_at is not null
     order by intent_at`,
    [cluster],
  );
  return rows;
}

export interface ObservedFields {
  state: string;
  nativeState: string;
  terminal: boolean;
  engineJobId?: string | undefined;
  link?: string | undefined;
  reason?: string | undefined;
  blame?: string | undefined;
  outOfMemory?: boolean | undefined;
  restarts?: number | undefined;
  restorePoint?: string | undefined;
  progress?: Record<string, string | number> | undefined;
}

const CHANGED = `(state <> $2 or ($3 = 'UNREACHABLE' and native_state <> $3))`;

/**
 * Stores what the engine said. `observation` rises only when our state changed, or when the engine fell silent for too
 * long (UNREACHABLE); a terminal row never changes again.
 * An observation of a settled job is acknowledged at once, for nobody waits for it any more. With `watcher`, nothing is
 * written once a newer watcher took the cluster over. Returns the row, or undefined if refused.
 */
export async function recordObservation(
  pool: Pool | PoolClient,
  key: string,
  seen: ObservedFields,
  options: { watcher?: Watcher; acknowledge?: boolean; submitted?: boolean } = {},
): Promise<EngineJobRow | undefined> {
  const { rows } = await pool.query<EngineJobRow>(
    `update control.engine_job set
       observation = observation + case when ${CHANGED} then 1 else 0 end,
       -- Whoever acknowledges lives.
       ownerless = ownerless and not $13,
       acked_observation = case when $13 or settled is not null then observation + case when ${CHANGED} then 1 else 0 end else acked_observation end,
       signalled_at = case when ${CHANGED} then null else signalled_at end,
       signal_attempts = case when ${CHANGED} then 0 else signal_attempts end,
       state = $2, native_state = $3,
       engine_job_id = coalesce($4, engine_job_id), link = coalesce($5, link), reason = $6,
       blame = $7, out_of_memory = $8, restarts = coalesce($9, restarts),
       restore_point = coalesce($10, restore_point), progress = coalesce($11, progress), observed_at = now(),
       submitted_at = case when $14 then coalesce(submitted_at, now()) else submitted_at end,
       ended_at = case when $12 then now() else null end
     where key = $1 and ended_at is null
       and ($15::text is null or exists (select 1 from control.cluster where name = $15 and epoch = $16))
     returning *`,
    [
      key,
      seen.state,
      storableText(seen.nativeState),
      textOrNull(seen.engineJobId),
      textOrNull(seen.link),
      textOrNull(seen.reason),
      seen.blame ?? null,
      seen.outOfMemory ?? null,
      seen.restarts ?? null,
      textOrNull(seen.restorePoint),
      seen.progress ? storableJson(seen.progress) : null,
      seen.terminal,
      options.acknowledge ?? false,
      options.submitted ?? false,
      options.watcher?.cluster ?? null,
      options.watcher?.epoch ?? null,
    ],
  );
  return rows[0];
}

const textOrNull = (text: string | undefined): string | null => (text === undefined ? null : storableText(text));

/** Acknowledges what it returns: the caller acts on the newest row, whichever observation it was told of. */
export async function acknowledge(pool: Pool, key: string): Promise<EngineJobRow | undefined> {
  const { rows } = await pool.query<EngineJobRow>(
    'update control.engine_job set acked_observation = observation, ownerless = false where key = $1 returning *',
    [key],
  );
  return rows[0];
}

/** Who writes, and under which epoch: a watcher that was replaced writes nothing any more. */
export interface Watcher {
  cluster: string;
  epoch: number;
}

const STILL_WATCHES = 'exists (select 1 from control.cluster where name = $2 and epoch = $3)';

export async function markSignalled(pool: Pool, key: string, { cluster, epoch }: Watcher): Promise<void> {
  await pool.query(
    `update control.engine_job set signalled_at = now(), signal_attempts = signal_attempts + 1
     where key = $1 and ${STILL_WATCHES}`,
    [key, cluster, epoch],
  );
}

export async function markOwnerless(pool: Pool, key: string, { cluster, epoch }: Watcher): Promise<void> {
  await pool.query(`update control.engine_job set ownerless = true where key = $1 and ${STILL_WATCHES}`, [
    key,
    cluster,
    epoch,
  ]);
}

/** Has the watcher look at them again: their owners live. */
export async function clearOwnerless(pool: Pool, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await pool.query('update control.engine_job set ownerless = false where key = any($1) and ownerless', [keys]);
}

/** Closes the submission's book once; false when it was closed before. */
export async function markSettled(client: PoolClient, key: string, outcome: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `update control.engine_job set settled = $2, acked_observation = observation where key = $1 and settled is null`,
    [key, outcome],
  );
  return rowCount === 1;
}
