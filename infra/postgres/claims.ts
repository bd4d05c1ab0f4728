/** Claims: one writer per (pipeline, day), with a fence that rises each time the days are taken. */
import { inTransaction, type Pool, type PoolClient } from './pool.js';

export interface Owner {
  workflowId: string;
  firstRunId: string;
}

export interface ClaimRequest {
  pipeline: string;
  /** Half-open range of days. */
  from: string;
  to: string;
  owner: Owner;
  /** Asks Temporal whether this owner is closed; called outside any transaction. */
  isOwnerClosed: (owner: Owner) => Promise<boolean>;
  /** Called inside the transaction with the closed owners that days were taken from, if there are any. */
  onTakenOver?: (client: PoolClient, owners: Owner[]) => Promise<void>;
}

export interface Busy {
  granted: false;
  busyWith: Owner;
  firstBusyDay: string;
  /** Partition of the run that holds the day, as control.run has it. */
  busyPartition?: string;
}

interface ClaimRow {
  day: string;
  owner_workflow_id: string;
  owner_first_run_id: string;
  fence: string;
  held: boolean;
}

const SELECT = `select day::text, owner_workflow_id, owner_first_run_id, fence, held
  from control.partition_claim where pipeline = $1 and day >= $2 and day < $3 order by day`;

const ownerKey = (owner: Owner): string => `${owner.workflowId}\n${owner.firstRunId}`;
const rowOwner = (row: ClaimRow): Owner => ({ workflowId: row.owner_workflow_id, firstRunId: row.owner_first_run_id });

/** Who else holds any of these days, each owner once. */
const othersOf = (rows: readonly ClaimRow[], mine: string): Map<string, Owner> =>
  new Map(
    rows
      .filter((row) => row.held)
      .map((row): [string, Owner] => [ownerKey(rowOwner(row)), rowOwner(row)])
      .filter(([key]) => key !== mine),
  );

/** Takes all days or none. Days of a closed owner are taken over; a repeat by the same owner raises the fence again. */
export async function takeClaims(
  pool: Pool,
  request: ClaimRequest,
): Promise<{ granted: true; fence: number; takenOverFrom: string[] } | Busy> {
  const { pipeline, from, to, owner } = request;
  const mine = ownerKey(owner);
  const held = await pool.query<ClaimRow>(SELECT, [pipeline, from, to]);
  const others = othersOf(held.rows, mine);
  const closed = new Set<string>();
  for (const [key, other] of others) if (await request.isOwnerClosed(other)) closed.add(key);

  return inTransaction(pool, async (client) => {
    await client.query(
      `insert into control.partition_claim (pipeline, day, owner_workflow_id, owner_first_run_id, fence, held)
       select $1, day::date, $4, $5, 0, false from generate_series($2::date, $3::date - 1, interval '1 day') as day
       on conflict do nothing`,
      [pipeline, from, to, owner.workflowId, owner.firstRunId],
    );
    const { rows } = await client.query<ClaimRow>(`${SELECT} for update`, [pipeline, from, to]);
    const blocker = rows.find((row) => {
      const key = ownerKey(rowOwner(row));
      return row.held && key !== mine && !closed.has(key);
    });
    if (blocker) {
      const busyWith = rowOwner(blocker);
      const run = await client.query<{ partition: string }>(
        'select partition from control.run where workflow_id = $1 and first_run_id = $2',
        [busyWith.workflowId, busyWith.firstRunId],
      );
      return {
        granted: false as const,
        busyWith,
        firstBusyDay: blocker.day,
        ...(run.rows[0] ? { busyPartition: run.rows[0].partition } : {}),
      };
    }
    const before = othersOf(rows, mine);
    const fence = await writeFence(client, request);
    if (before.size > 0) await request.onTakenOver?.(client, [...before.values()]);
    const takenOverFrom = [...new Set([...before.values()].map(({ workflowId }) => workflowId))];
    return { granted: true as const, fence, takenOverFrom };
  });
}

async function writeFence(client: PoolClient, request: Pick<ClaimRequest, 'pipeline' | 'from' | 'to' | 'owner'>) {
  const { rows } = await client.query<{ fence: string }>(
    `update control.partition_claim set owner_workflow_id = $4, owner_first_run_id = $5, held = true, taken_at = now(),
       fence = (select max(fence) + 1 from control.partition_claim where pipeline = $1 and day >= $2 and day < $3)
     where pipeline = $1 and day >= $2 and day < $3 returning fence`,
    [request.pipeline, request.from, request.to, request.owner.workflowId, request.owner.firstRunId],
  );
  return Number(rows[0]?.fence ?? 0);
}

/** Gives the days back; the fence stays. Only rows still owned by this owner change. */
export async function releaseClaims(client: PoolClient, owner: Owner): Promise<void> {
  await client.query(
    `update control.partition_claim set held = false
     where owner_workflow_id = $1 and owner_first_run_id = $2 and held`,
    [owner.workflowId, owner.firstRunId],
  );
}
