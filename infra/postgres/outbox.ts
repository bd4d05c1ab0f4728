/** The lineage outbox: events written inside the caller's transaction, and what the relay needs to deliver them. */
import type { RunEvent } from 'openlineage-client';
import type pg from 'pg';
import { storableJson } from './storable-text.js';

/** A pool or a client; for `insertLineage` it must be the client that holds the caller's transaction. */
export type Queryable = Pick<pg.ClientBase, 'query'>;

/**
 * Appends events in the caller's transaction, in one statement, and returns how many were new. Repeating a START or a
 * last event, or adding anything after the last event of a run, changes nothing, so activities may retry freely.
 */
export async function insertLineage(client: Queryable, events: readonly RunEvent[]): Promise<number> {
  if (events.length === 0) return 0;
  const { rows } = await client.query<{ added: number }>('select control.lineage_append($1::jsonb) as added', [
    storableJson(events),
  ]);
  return rows[0]?.added ?? 0;
}

/** The START events of a root run and all runs below it that have no last event yet, the youngest first. */
export async function openLineageRuns(client: Queryable, rootRunId: string): Promise<RunEvent[]> {
  const { rows } = await client.query<{ event: RunEvent }>(
    `select s.event from control.lineage_outbox s
      where s.root_run_id = $1 and s.event_type = 'START'
        and not exists (select from control.lineage_outbox e
                         where e.run_id = s.run_id and e.event_type in ('COMPLETE', 'ABORT', 'FAIL'))
      order by s.id desc`,
    [rootRunId],
  );
  return rows.map((row) => row.event);
}

export interface PendingEvent {
  id: string;
  runId: string;
  event: RunEvent;
  attempts: number;
  rejections: number;
  ageMs: number;
}

/** Events to deliver now, oldest first. A run whose oldest waiting event is backing off is left out as a whole. */
export async function pendingLineage(client: Queryable, limit: number): Promise<PendingEvent[]> {
  const { rows } = await client.query<PendingEvent>(
    `select o.id::text as id, o.run_id::text as "runId", o.event, o.attempts, o.rejections,
            (extract(epoch from now() - o.created_at) * 1000)::float8 as "ageMs"
       from control.lineage_outbox o
      where o.delivered_at is null and o.dead_at is null
        and not exists (select from control.lineage_outbox e
                         where e.run_id = o.run_id and e.id <= o.id and e.delivered_at is null and e.dead_at is null
                           and e.next_attempt_at > now())
      order by o.id limit $1`,
    [limit],
  );
  return rows;
}

export async function markDelivered(client: Queryable, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await client.query(
    `update control.lineage_outbox set delivered_at = now(), last_error = null
      where id = any($1::bigint[]) and delivered_at is null`,
    [ids],
  );
}

export interface FailedAttempt {
  /** For people; must hold no secret. */
  error: string;
  /** The receiver refused the event itself. */
  rejected: boolean;
  /** No further try: the event stays in the table as a dead letter and its run goes on without it. */
  dead: boolean;
  retryInMs: number;
}

export async function markFailed(client: Queryable, id: string, attempt: FailedAttempt): Promise<void> {
  await client.query(
    `update control.lineage_outbox
        set attempts = attempts + 1, rejections = rejections + $2, last_error = $3,
            next_attempt_at = now() + $4 * interval '1 millisecond',
            dead_at = case when $5 then now() end
      where id = $1`,
    [id, attempt.rejected ? 1 : 0, attempt.error, Math.ceil(attempt.retryInMs), attempt.dead],
  );
}

export interface LineageStatus {
  pending: number;
  delivered: number;
  dead: number;
  /** When the oldest waiting event was written, in RFC 3339; null when none waits. */
  oldestPending: string | null;
}

export async function lineageStatus(client: Queryable): Promise<LineageStatus> {
  const { rows } = await client.query<LineageStatus>(
    `select (count(*) filter (where delivered_at is null and dead_at is null))::int as pending,
            (count(*) filter (where delivered_at is not null))::int as delivered,
            (count(*) filter (where dead_at is not null))::int as dead,
            to_char(min(created_at) filter (where delivered_at is null and dead_at is null) at time zone 'UTC',
                    'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "oldestPending"
       from control.lineage_outbox`,
  );
  return rows[0] ?? { pending: 0, delivered: 0, dead: 0, oldestPending: null };
}

/** One relay at a time: the lock belongs to the session, so it ends with the connection of a leader that died. */
const LEADER_LOCK = 7_203_181_102;

export async function tryLeadRelay(client: Queryable): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [LEADER_LOCK]);
  return rows[0]?.locked === true;
}

export async function endRelayLead(client: Queryable): Promise<void> {
  await client.query('select pg_advisory_unlock($1)', [LEADER_LOCK]);
}
