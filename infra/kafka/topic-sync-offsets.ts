/** Where a table's copy of its topic stands, and which attempt may write: both are kept in Postgres beside the rows. */
import { SluiceError } from '../errors.js';
import type { Pool, PoolClient } from '../postgres/pool.js';

/** One table's copy of one topic. */
export interface SyncId {
  pipeline: string;
  table: string;
  topic: string;
}

export interface Advance {
  fence: string;
  partition: number;
  from: bigint;
  to: bigint;
}

export type AdvanceResult = 'moved' | 'superseded' | 'elsewhere';

/**
 * Makes the caller the only writer. It waits for a transaction of the older writer that is under way, so positions read
 * afterwards are final.
 */
export async function takeOver(pool: Pool, id: SyncId): Promise<string> {
  const { rows } = await pool.query<{ fence: string }>(
    `insert into control.sync_owner as o (pipeline, table_name, topic, fence) values ($1, $2, $3, 1)
     on conflict (pipeline, table_name) do update set fence = o.fence + 1, topic = excluded.topic, started_at = now()
     returning fence::text`,
    [id.pipeline, id.table, id.topic],
  );
  return (rows[0] as { fence: string }).fence;
}

export async function readOffsets(pool: Pool, id: SyncId): Promise<Map<number, bigint>> {
  const { rows } = await pool.query<{ partition: number; next: string }>(
    `select partition, next_offset::text as next from control.sync_offset
     where pipeline = $1 and table_name = $2 and topic = $3`,
    [id.pipeline, id.table, id.topic],
  );
  return new Map(rows.map((row) => [row.partition, BigInt(row.next)]));
}

/** Gives a partition that has no position yet its first one. */
export async function addOffset(pool: Pool, id: SyncId, partition: number, next: bigint): Promise<void> {
  await pool.query(
    `insert into control.sync_offset (pipeline, table_name, topic, partition, next_offset) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [id.pipeline, id.table, id.topic, partition, next.toString()],
  );
}

/**
 * Moves a position inside the caller's transaction, only from where the caller believes it to be and only while the
 * caller's fence is the newest. The fence stays locked until commit, so a takeover waits for us or we see it.
 */
export async function advance(client: PoolClient, id: SyncId, step: Advance): Promise<AdvanceResult> {
  const { rows } = await client.query<{ owns: boolean; moved: boolean }>(
    `with owner as (
       select 1 from control.sync_owner where pipeline = $1 and table_name = $2 and fence = $3 for share
     ), moved as (
       update control.sync_offset set next_offset = $7, updated_at = now()
       where pipeline = $1 and table_name = $2 and topic = $4 and partition = $5 and next_offset = $6
         and exists (select 1 from owner)
       returning 1
     )
     select exists (select 1 from owner) as owns, exists (select 1 from moved) as moved`,
    [id.pipeline, id.table, step.fence, id.topic, step.partition, step.from.toString(), step.to.toString()],
  );
  const row = rows[0] as { owns: boolean; moved: boolean };
  return row.moved ? 'moved' : row.owns ? 'elsewhere' : 'superseded';
}

/** The error of a writer that is not the newest attempt any more, or whose position somebody else has moved. */
export function conflict(id: SyncId, partition: number, why: string): SluiceError {
  return new SluiceError('STORE_CONFLICT', `${id.topic}-${partition} -> ${id.table}: ${why}`, {
    details: { topic: id.topic, partition, table: id.table },
  });
}

/** The stored position fits what the topic still holds, or there is something to say about it. */
export function checkPosition(id: SyncId, partition: number, next: bigint, low: bigint, high: bigint): void {
  const details = { topic: id.topic, partition, next: next.toString(), low: low.toString(), high: high.toString() };
  if (next < low) {
    throw new SluiceError(
      'STORE_REJECTED',
      `${id.topic}-${partition}: records ${next} to ${low - 1n} were deleted before they reached ${id.table} ` +
        `(the topic begins at ${low} now). Load the table anew, or accept the gap by setting control.sync_offset`,
      { details },
    );
  }
  if (next > high) {
    throw new SluiceError(
      'STORE_REJECTED',
      `${id.topic}-${partition} ends at ${high}, but ${id.table} has applied it up to ${next}: the topic was made anew. ` +
        'Load the table anew and delete its rows in control.sync_offset',
      { details },
    );
  }
}
