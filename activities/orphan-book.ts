/** Stores how a job without a living owner ended and closes its book, in one transaction; a repeat changes nothing. */
import type { Observation } from '../engines/port.js';
import { markSettled, recordObservation, type EngineJobRow } from '../infra/postgres/engine-jobs.js';
import { insertLineage } from '../infra/postgres/outbox.js';
import { inTransaction } from '../infra/postgres/pool.js';
import type { ActivityDeps } from './deps.js';
import { settleEvent } from './lineage/submissions.js';

export async function closeOrphanBook(
  deps: ActivityDeps,
  orphan: EngineJobRow,
  seen: Observation,
  outcome: 'succeeded' | 'failed' | 'cancelled',
  reason: string,
): Promise<void> {
  await inTransaction(deps.pool, async (client) => {
    const observed = { ...seen, reason: seen.reason ?? reason, terminal: true };
    await recordObservation(client, orphan.key, observed, { acknowledge: true });
    if (await markSettled(client, orphan.key, outcome)) {
      await insertLineage(client, [settleEvent(orphan, outcome, reason, deps)]);
    }
  });
}

/** The engine answers that it has no such job, which is no verdict on how it ended. */
export const isGone = (seen: Observation): boolean => seen.state === 'unknown' && seen.nativeState === 'NOT_FOUND';
