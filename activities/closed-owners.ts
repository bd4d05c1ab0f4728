/** Which jobs have an owner that is certainly closed; the visibility store only rules out, Temporal itself decides. */
import type { EngineJobRow } from '../infra/postgres/engine-jobs.js';
import { runHasEnded } from '../infra/postgres/reconcile.js';
import type { ActivityDeps, OwnerState } from './deps.js';

export interface Suspect {
  row: EngineJobRow;
  /** How its owner ended. */
  state: Exclude<OwnerState, 'open'>;
}

type Deps = Pick<ActivityDeps, 'temporal' | 'pool'>;

/** Throws when Temporal does not answer: then nothing is known of anybody. */
export async function findClosedOwners(
  deps: Deps,
  rows: readonly EngineJobRow[],
): Promise<{ closed: Suspect[]; opened: EngineJobRow[] }> {
  const listed = rows.length === 0 ? new Set<string>() : await deps.temporal.openOwners();
  const newest = newestChains(rows);
  const asked = new Map<string, OwnerState>();
  const closed: Suspect[] = [];
  const opened: EngineJobRow[] = [];
  for (const row of rows) {
    const state = await stateOf(row);
    if (state === 'open') opened.push(row);
    else closed.push({ row, state });
  }
  return { closed, opened };

  async function stateOf(row: EngineJobRow): Promise<OwnerState> {
    const id = row.owner_workflow_id;
    // An open chain of that id is listed: it is the owner of the newest job, older jobs may be those of earlier chains.
    if (listed.has(id) && newest.get(id) === row.owner_first_run_id) return 'open';
    const pair = `${id}\n${row.owner_first_run_id}`;
    let state = asked.get(pair);
    if (state === undefined) {
      state = await deps.temporal.ownerState({ workflowId: id, firstRunId: row.owner_first_run_id });
      asked.set(pair, state);
    }
    // Past retention Temporal knows nothing; only our own book can say that it ended.
    if (state === 'not-found' && row.settled === null && !(await runHasEnded(deps.pool, row))) return 'open';
    return state;
  }
}

function newestChains(rows: readonly EngineJobRow[]): Map<string, string> {
  const newest = new Map<string, EngineJobRow>();
  for (const row of rows) {
    const before = newest.get(row.owner_workflow_id);
    if (before === undefined || Date.parse(before.intent_at) < Date.parse(row.intent_at)) {
      newest.set(row.owner_workflow_id, row);
    }
  }
  return new Map([...newest].map(([id, row]) => [id, row.owner_first_run_id]));
}
