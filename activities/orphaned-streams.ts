/** Before a stream is submitted: ends what a supervisor that is gone left running, and goes on from the newest state there is. */
import { isTerminal } from '../engines/job-state.js';
import type { EnginePort, Observation } from '../engines/port.js';
import { SluiceError } from '../infra/errors.js';
import type { EngineJobRow } from '../infra/postgres/engine-jobs.js';
import { listOpenTwins, restoreFromEarlier } from '../infra/postgres/orphaned-streams.js';
import type { ActivityDeps } from './deps.js';
import { handleOf } from './job-handle.js';
import { closeOrphanBook, isGone } from './orphan-book.js';

/** Returns the row to submit, which may have got a restore point. Fails with JOB_NOT_READY while a twin may live. */
export async function takeOverOrphans(
  deps: ActivityDeps,
  port: EnginePort,
  row: EngineJobRow,
  signal: AbortSignal,
): Promise<EngineJobRow> {
  const orphans = await listOpenTwins(deps.pool, row);
  for (const orphan of orphans) await refuseLiving(deps, row, orphan);
  for (const orphan of orphans) await end(deps, orphan, await port.cancel(handleOf(orphan), signal), row);
  if ((row.spec as { upgrade?: string }).upgrade === 'stateless') return row;
  return (await restoreFromEarlier(deps.pool, row.key)) ?? row;
}

async function refuseLiving(deps: ActivityDeps, row: EngineJobRow, other: EngineJobRow): Promise<void> {
  const owner = { workflowId: other.owner_workflow_id, firstRunId: other.owner_first_run_id };
  // An earlier submission of this very supervisor, which has given it up.
  if (owner.workflowId === row.owner_workflow_id && owner.firstRunId === row.owner_first_run_id) return;
  if (await deps.temporal.isClosed(owner)) return;
  throw new SluiceError(
    'JOB_NOT_READY',
    `${row.pipeline}/${row.part} still belongs to ${owner.workflowId}, which is not known to be closed`,
  );
}

async function end(deps: ActivityDeps, orphan: EngineJobRow, seen: Observation, heir: EngineJobRow): Promise<void> {
  if (!isTerminal(seen.state) && !isGone(seen)) {
    const id = seen.engineJobId ?? orphan.engine_job_id ?? orphan.key;
    throw new SluiceError('JOB_NOT_READY', `${orphan.engine} id ${id} of an earlier supervisor has not ended yet`);
  }
  const reason = `left by a supervisor that is closed; taken over by ${heir.owner_workflow_id}`;
  const state = isGone(seen) ? 'cancelled' : seen.state;
  await closeOrphanBook(deps, orphan, { ...seen, state }, 'cancelled', reason);
}
