/** Ends, in our book, runs that died without a word: the row, and the lineage of all that they left open. */
import { releaseClaims } from '../infra/postgres/claims.js';
import { openLineageRuns, insertLineage } from '../infra/postgres/outbox.js';
import { inTransaction, type PoolClient } from '../infra/postgres/pool.js';
import { closeDeadRuns } from '../infra/postgres/runs.js';
import type { OwnerPair } from '../workflows/contracts/ids.js';
import type { ActivityDeps, OwnerState } from './deps.js';
import { closingEvent, type ClosingTransition } from './lineage/close.js';

export interface DeathOfRuns {
  /** A person ended them (cancelled, ABORT), or they ended badly by themselves (failed, FAIL). */
  state: 'cancelled' | 'failed';
  message: string;
  /** RFC 3339. */
  at: string;
}

/** A run that timed out or failed without a word has failed; of all others a person has taken care. */
export const deathBy = (state: OwnerState): DeathOfRuns['state'] =>
  state === 'timed-out' || state === 'failed' ? 'failed' : 'cancelled';

/** Returns how many were still open. */
export async function endDeadRuns(
  client: PoolClient,
  owners: readonly OwnerPair[],
  death: DeathOfRuns,
): Promise<number> {
  const { state, message, at } = death;
  const ended = await closeDeadRuns(client, owners, state, message);
  for (const { lineageRunId } of ended) {
    const open = await openLineageRuns(client, lineageRunId);
    const ending: ClosingTransition = { type: state === 'cancelled' ? 'ABORT' : 'FAIL', at, failure: { message } };
    await insertLineage(
      client,
      open.map((start) => closingEvent(start, ending)),
    );
  }
  return ended.length;
}

/** Closes the book of a run whose workflow has closed without doing it; returns how it closed, or undefined. */
export async function closeIfDead(
  deps: Pick<ActivityDeps, 'pool' | 'temporal' | 'now'>,
  run: OwnerPair,
  dryRun: boolean,
): Promise<OwnerState | undefined> {
  const state = await deps.temporal.ownerState(run);
  // A run that ended well has written its end itself, and "not found" proves nothing about a run that has no end.
  if (state === 'open' || state === 'not-found' || state === 'succeeded') return undefined;
  if (dryRun) return state;
  const message = `its workflow was closed (${state}) before it could record its end`;
  await inTransaction(deps.pool, async (client) => {
    await endDeadRuns(client, [run], { state: deathBy(state), message, at: new Date(deps.now()).toISOString() });
    await releaseClaims(client, run);
  });
  return state;
}
