/** One job without a living owner: what it is doing, whether two passes have seen it so, and what is done about it. */
import { isTerminal } from '../engines/job-state.js';
import type { EnginePort, Observation } from '../engines/port.js';
import { isSluiceError, messageOf } from '../infra/errors.js';
import type { EngineJobRow } from '../infra/postgres/engine-jobs.js';
import { noteOrphan } from '../infra/postgres/reconcile.js';
import type { JobStateName } from '../workflows/contracts/plans.js';
import type { OrphanAction, OrphanReport } from '../workflows/contracts/reconcile.js';
import type { Suspect } from './closed-owners.js';
import type { ActivityDeps, OwnerState } from './deps.js';
import { handleOf } from './job-handle.js';
import { redact } from './lineage/redact.js';
import { closeOrphanBook, isGone } from './orphan-book.js';

/** Two passes must have seen an orphan, and as far apart as this, before it is touched. */
const APART_MS = 15_000;

/**
 * `over`: it has ended, only its book is open. `gone`: the engine does not know it. `holds`: it lives, or has ended without
 * letting go of what it holds. `unseen`: nobody can say now.
 */
type Kind = 'over' | 'gone' | 'holds' | 'unseen';

export interface Finding extends Suspect {
  row: EngineJobRow;
  kind: Kind;
  seen: Observation;
  /** Two passes have seen it. */
  due: boolean;
  /** Why nobody can say. */
  fault?: string;
}

export interface OrphanPass {
  port: EnginePort;
  /** Keys that the engine lists as not ended. */
  listed: ReadonlySet<string>;
  dryRun: boolean;
  signal: AbortSignal;
}

export function createOrphans(deps: ActivityDeps, { port, listed, dryRun, signal }: OrphanPass) {
  /** Undefined when there is nothing to be done about it: it has ended in our book and at the engine. */
  async function lookAt(suspect: Suspect, row: EngineJobRow): Promise<Finding | undefined> {
    const finding = (kind: Kind, seen: Observation, more: Partial<Finding> = {}): Finding => ({
      ...suspect,
      row,
      kind,
      seen,
      due: false,
      ...more,
    });
    const ended = row.ended_at !== null;
    if (ended && !listed.has(row.key)) return row.settled === null ? finding('over', recorded(row)) : undefined;
    let seen: Observation;
    try {
      seen = await port.observe(handleOf(row), signal);
    } catch (error) {
      if (signal.aborted || !isSluiceError(error)) throw error;
      // One job that cannot be looked at now must not keep the others alive.
      return finding('unseen', recorded(row), { fault: messageOf(error) });
    }
    if (ended && isGone(seen)) return row.settled === null ? finding('over', recorded(row)) : undefined;
    if (!ended && isTerminal(seen.state)) return finding('over', seen);
    return finding(isGone(seen) ? 'gone' : 'holds', seen, { due: await seenTwice(row) });
  }

  async function seenTwice(row: EngineJobRow): Promise<boolean> {
    const ageMs = row.orphan_since === null ? 0 : deps.now() - Date.parse(row.orphan_since);
    const sightings = dryRun ? { passes: row.orphan_passes + 1, ageMs } : await noteOrphan(deps.pool, row.key);
    return sightings.passes >= 2 && sightings.ageMs >= APART_MS;
  }

  async function deal(finding: Finding, mayReap: boolean): Promise<OrphanReport> {
    const { row, seen, due, state, kind } = finding;
    const why = `its owner is closed (${state})`;
    if (kind === 'over') {
      if (!dryRun) await closeOrphanBook(deps, row, seen, outcomeOf(seen, state), `ended without an owner: ${why}`);
      return reportOf(finding, 'ended', `${row.engine} says ${seen.nativeState}; ${why}`);
    }
    if (kind === 'unseen') return reportOf(finding, 'waits', `it cannot be looked at now: ${finding.fault}; ${why}`);
    if (!due) return reportOf(finding, 'waits', `${why}; the next pass decides`);
    if (isLeft(finding)) return reportOf(finding, 'left', `${why}; its pipeline wants it left running`);
    if (kind === 'holds' && !mayReap) return reportOf(finding, 'waits', `${why}; not reaped in this pass`);
    if (dryRun) return reportOf(finding, kind === 'gone' ? 'ended' : 'reaped', `would be ended: ${why}`);
    return reap(finding);
  }

  async function reap(finding: Finding): Promise<OrphanReport> {
    const { row, state, kind } = finding;
    // A reset may have given it its owner back since the pass began.
    const owner = { workflowId: row.owner_workflow_id, firstRunId: row.owner_first_run_id };
    if ((await deps.temporal.ownerState(owner)) === 'open') return reportOf(finding, 'waits', 'its owner lives again');
    try {
      // Also what the engine does not know: a submission that is still on its way must find nothing to do.
      const ended = await port.cancel(handleOf(row), signal);
      if (!isTerminal(ended.state) && !isGone(ended)) {
        return reportOf(
          finding,
          'unconfirmed',
          `${row.engine} still says ${ended.nativeState}; the next pass tries again`,
        );
      }
      const reason = `${kind === 'gone' ? goneReason(row) : 'reaped'}: its owner is closed (${state})`;
      const last = isGone(ended) ? { ...ended, state: goneState(finding) } : ended;
      await closeOrphanBook(deps, row, last, outcomeOf(last, state), reason);
      return reportOf(finding, kind === 'gone' ? 'ended' : 'reaped', reason);
    } catch (error) {
      if (signal.aborted || !isSluiceError(error)) throw error;
      return reportOf(finding, 'unconfirmed', `${messageOf(error)}; the next pass tries again`);
    }
  }

  /** Alive although our book says that it ended, with an owner that lives: told, never touched. */
  async function stray(row: EngineJobRow): Promise<OrphanReport | undefined> {
    const told = { row, seen: recorded(row), state: 'open' as const };
    try {
      const seen = await port.observe(handleOf(row), signal);
      // The engine's list may be from before the end.
      if (isTerminal(seen.state) || isGone(seen)) return undefined;
      const reason = `recorded as ${row.state}, but ${row.engine} says ${seen.nativeState}; its owner is open`;
      return reportOf({ ...told, seen }, 'stray', reason);
    } catch (error) {
      if (signal.aborted || !isSluiceError(error)) throw error;
      const reason = `recorded as ${row.state}, but ${row.engine} lists it, and it cannot be looked at now: ${messageOf(error)}`;
      return reportOf(told, 'stray', reason);
    }
  }

  return { lookAt, deal, stray };
}

export const isLiving = ({ kind }: Finding): boolean => kind === 'holds' || kind === 'unseen';

/** A stream is left for its next supervisor: not when there is one, when it was told to stop, or when it can do nothing more. */
export function isLeft({ row, seen, kind, hasSuccessor }: Finding): boolean {
  if (kind === 'gone' || isTerminal(seen.state) || hasSuccessor) return false;
  const { onOrphan, onCancel } = row.spec as { onOrphan?: string; onCancel?: string };
  if (row.settled !== null && onCancel !== 'leave') return false;
  return (onOrphan ?? (row.kind === 'stream' ? 'leave' : 'kill')) === 'leave';
}

type Told = Pick<Finding, 'row' | 'seen'> & { state: OwnerState };

function reportOf({ row, seen, state }: Told, action: OrphanAction, reason: string): OrphanReport {
  return {
    key: row.key,
    engineJobId: seen.engineJobId ?? row.engine_job_id ?? '',
    pipeline: row.pipeline,
    part: row.part,
    owner: row.owner_workflow_id,
    ownerState: state,
    action,
    reason: redact(reason),
  };
}

/** How our own book says that it ended. */
const recorded = (row: EngineJobRow): Observation => ({
  key: row.key,
  state: row.state as JobStateName,
  nativeState: row.native_state,
  ...(row.reason === null ? {} : { reason: row.reason }),
});

const goneReason = (row: EngineJobRow): string =>
  row.submitted_at === null ? `never reached ${row.engine}` : `${row.engine} does not know it any more`;

const goneState = ({ row, kind }: Finding): 'cancelled' | 'lost' =>
  kind === 'gone' && row.submitted_at !== null ? 'lost' : 'cancelled';

/** An owner that a person ended makes a broken-off job cancelled; one that timed out or failed makes it failed. */
function outcomeOf(seen: Observation, owner: OwnerState): 'succeeded' | 'failed' | 'cancelled' {
  if (seen.state === 'succeeded') return 'succeeded';
  if (seen.state === 'failed') return 'failed';
  return owner === 'timed-out' || owner === 'failed' ? 'failed' : 'cancelled';
}
