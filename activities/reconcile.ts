/** A pass of reconcile: engine jobs whose owner is gone are ended, runs that died have their books closed. */
import { Context } from '@temporalio/activity';
import { isTerminal } from '../engines/job-state.js';
import type { EnginePort, Observation, TaggedJob } from '../engines/port.js';
import { isSluiceError, messageOf } from '../infra/errors.js';
import { releaseClaims } from '../infra/postgres/claims.js';
import type { EngineJobRow } from '../infra/postgres/engine-jobs.js';
import { inTransaction } from '../infra/postgres/pool.js';
import {
  forgetSightings,
  jobsByKey,
  listOpenJobs,
  listRunningRuns,
  noteOrphan,
  saveReconcileReport,
} from '../infra/postgres/reconcile.js';
import { installationId } from '../infra/postgres/runs.js';
import type {
  ClosedRun,
  OrphanAction,
  OrphanReport,
  ReconcileActivities,
  ReconcileInput,
  ReconcileReport,
} from '../workflows/contracts/reconcile.js';
import { whileBeating } from './beating.js';
import { endDeadRuns } from './dead-runs.js';
import type { ActivityDeps, OwnerState } from './deps.js';
import { handleOf } from './job-handle.js';
import { redact } from './lineage/redact.js';
import { closeOrphanBook, isGone } from './orphan-book.js';
import { findClosedOwners, type Suspect } from './closed-owners.js';

/** Two passes must have seen an orphan, and as far apart as this, before it is touched. */
const APART_MS = 15_000;
/** A larger part of a cluster's jobs at once is more likely our own mistake than so many dead owners… */
const LARGEST_SHARE = 0.2;
/** …but so few may go whatever their share is: a small installation must be able to lose its only run. */
const ALWAYS_ALLOWED = 2;
const SHOWN = 100;
const RUNS_PER_PASS = 500;

/** What a pass found out about one suspect. */
interface Finding extends Suspect {
  seen: Observation;
  due: boolean;
}

export function createReconcileActivities(deps: ActivityDeps): ReconcileActivities {
  return {
    reconcileCluster: (request) =>
      whileBeating(`reconcile ${request.cluster}`, (signal) => reconcileCluster(request, signal)),

    async reconcileRuns({ dryRun }) {
      const closed: ClosedRun[] = [];
      for (const run of await listRunningRuns(deps.pool, RUNS_PER_PASS)) {
        const state = await deps.temporal.ownerState(run);
        // A run that ended well has written its end itself, and "not found" proves nothing about a run that has no end.
        if (state === 'open' || state === 'not-found' || state === 'succeeded') continue;
        const byPerson = state === 'terminated' || state === 'cancelled';
        const death = {
          state: byPerson ? ('cancelled' as const) : ('failed' as const),
          message: `its workflow was closed (${state}) before it could record its end`,
          at: new Date(deps.now()).toISOString(),
        };
        if (!dryRun) {
          await inTransaction(deps.pool, async (client) => {
            await endDeadRuns(client, [run], death);
            await releaseClaims(client, run);
          });
        }
        closed.push({ workflowId: run.workflowId, closedAs: state });
      }
      return closed;
    },
  };

  async function reconcileCluster(request: ReconcileInput, signal: AbortSignal): Promise<ReconcileReport> {
    const { engine, cluster, dryRun = false } = request;
    const port = deps.engine(engine, cluster);
    const open = await listOpenJobs(deps.pool, engine, cluster);
    const tagged = await port.tagged(await installationId(deps.pool), signal);
    const { rows, unknown } = await withRowsOf(open, tagged);
    const { closed, opened } = await findClosedOwners(deps, rows);
    const alive = new Set(tagged.map(({ key }) => key));
    const found: Finding[] = [];
    for (const suspect of closed) {
      const finding = await lookAt(port, suspect, alive, dryRun, signal);
      if (finding) found.push(finding);
    }
    if (!dryRun) {
      await forgetSightings(
        deps.pool,
        cluster,
        found.map(({ row }) => row.key),
      );
    }
    const orphans: OrphanReport[] = [];
    const living = found.filter(({ seen }) => !isTerminal(seen.state) && !isGone(seen));
    for (const { row, seen } of living) if (!isTerminal(seen.state)) alive.add(row.key);
    const doomed = living.filter(({ due, row }) => due && !isLeft(row));
    const stopped = tooMany(doomed.length, alive.size, request);
    for (const finding of found) {
      signal.throwIfAborted();
      orphans.push(await deal(port, finding, doomed.includes(finding) && stopped === undefined, dryRun, signal));
    }
    orphans.push(...(await strays(port, opened, tagged, signal)));
    for (const orphan of orphans) warnOf(orphan, found);
    const report = { ...reportOf(request, alive.size, orphans, unknown), ...(stopped ? { stopped } : {}) };
    if (stopped) Context.current().log.warn(`reconcile ${cluster}: ${stopped}`);
    if (!dryRun) await saveReconcileReport(deps.pool, cluster, report);
    return report;
  }

  /** The rows of what is open in our book and of what the engine shows although our book says that it ended. */
  async function withRowsOf(open: readonly EngineJobRow[], tagged: readonly TaggedJob[]) {
    const known = new Map(open.map((row) => [row.key, row]));
    const missing = tagged.filter(({ key }) => !known.has(key));
    const ended = await jobsByKey(
      deps.pool,
      missing.map(({ key }) => key),
    );
    for (const row of ended) known.set(row.key, row);
    const unknown = missing.filter(({ key }) => !known.has(key)).map(({ engineJobId }) => engineJobId);
    return { rows: [...known.values()], unknown };
  }

  /** Undefined when there is nothing to be done about it: it ended in our book, and at the engine too. */
  async function lookAt(
    port: EnginePort,
    suspect: Suspect,
    alive: ReadonlySet<string>,
    dryRun: boolean,
    signal: AbortSignal,
  ): Promise<Finding | undefined> {
    const { row } = suspect;
    if (row.ended_at !== null && !alive.has(row.key)) return undefined;
    const seen = await port.observe(handleOf(row), signal);
    if (row.ended_at !== null && (isTerminal(seen.state) || isGone(seen))) return undefined;
    const before = row.orphan_since === null ? 0 : deps.now() - Date.parse(row.orphan_since);
    const sightings = dryRun ? { passes: row.orphan_passes + 1, ageMs: before } : await noteOrphan(deps.pool, row.key);
    return { ...suspect, seen, due: sightings.passes >= 2 && sightings.ageMs >= APART_MS };
  }

  async function deal(
    port: EnginePort,
    finding: Finding,
    mayReap: boolean,
    dryRun: boolean,
    signal: AbortSignal,
  ): Promise<OrphanReport> {
    const { row, seen, due, state } = finding;
    const say = (action: OrphanAction, reason: string): OrphanReport => ({
      key: row.key,
      engineJobId: seen.engineJobId ?? row.engine_job_id ?? '',
      pipeline: row.pipeline,
      part: row.part,
      owner: row.owner_workflow_id,
      ownerState: state,
      action,
      reason: redact(reason),
    });
    const why = `its owner is closed (${state})`;
    if (isTerminal(seen.state)) {
      if (!dryRun) await closeOrphanBook(deps, row, seen, outcomeOf(seen, state), `ended without an owner: ${why}`);
      return say('ended', `${row.engine} says ${seen.nativeState}; ${why}`);
    }
    if (!due) return say('waits', `${why}; the next pass decides`);
    if (isGone(seen)) {
      const never = row.submitted_at === null;
      const reason = never ? `never reached ${row.engine}` : `${row.engine} does not know it any more`;
      const last = { ...seen, state: never ? ('cancelled' as const) : ('lost' as const) };
      if (!dryRun) await closeOrphanBook(deps, row, last, outcomeOf(last, state), `${reason}; ${why}`);
      return say('ended', `${reason}; ${why}`);
    }
    if (isLeft(row)) return say('left', `${why}; its pipeline wants it left running`);
    if (!mayReap) return say('waits', `${why}; not reaped in this pass`);
    if (dryRun) return say('reaped', `would be ended: ${why}`);
    return reap(port, finding, say, signal);
  }

  async function reap(
    port: EnginePort,
    { row, state }: Finding,
    say: (action: OrphanAction, reason: string) => OrphanReport,
    signal: AbortSignal,
  ): Promise<OrphanReport> {
    // A reset may have given it its owner back since the pass began.
    const owner = { workflowId: row.owner_workflow_id, firstRunId: row.owner_first_run_id };
    if ((await deps.temporal.ownerState(owner)) === 'open') return say('waits', 'its owner lives again');
    const reason = `reaped: its owner is closed (${state})`;
    try {
      const ended = await port.cancel(handleOf(row), signal);
      if (!isTerminal(ended.state) && !isGone(ended)) {
        return say('unconfirmed', `${row.engine} still says ${ended.nativeState}; the next pass tries again`);
      }
      const last = isGone(ended) ? { ...ended, state: 'cancelled' as const } : ended;
      await closeOrphanBook(deps, row, last, outcomeOf(last, state), reason);
      return say('reaped', reason);
    } catch (error) {
      if (signal.aborted || !isSluiceError(error)) throw error;
      // One job that cannot be ended now must not keep the others alive.
      return say('unconfirmed', `${messageOf(error)}; the next pass tries again`);
    }
  }

  /** Alive although our book says that they ended, with an owner that lives: told, never touched. */
  async function strays(
    port: EnginePort,
    opened: readonly EngineJobRow[],
    tagged: readonly TaggedJob[],
    signal: AbortSignal,
  ): Promise<OrphanReport[]> {
    const shown = new Set(tagged.map(({ key }) => key));
    const reports: OrphanReport[] = [];
    for (const row of opened.filter(({ ended_at: ended, key }) => ended !== null && shown.has(key))) {
      // The engine's list may be from before the end.
      const seen = await port.observe(handleOf(row), signal);
      if (isTerminal(seen.state) || isGone(seen)) continue;
      reports.push({
        key: row.key,
        engineJobId: seen.engineJobId ?? row.engine_job_id ?? '',
        pipeline: row.pipeline,
        part: row.part,
        owner: row.owner_workflow_id,
        ownerState: 'open',
        action: 'stray',
        reason: `recorded as ${row.state}, but ${row.engine} says ${seen.nativeState}; its owner is open`,
      });
    }
    return reports;
  }
}

/** Said in the log when it is new, not at every pass. */
function warnOf(orphan: OrphanReport, found: readonly Finding[]): void {
  const passes = found.find(({ row }) => row.key === orphan.key)?.row.orphan_passes ?? 0;
  const isNew = orphan.action === 'stray' || passes <= 1;
  if (orphan.action === 'waits' || !isNew) return;
  Context.current().log.warn(`orphan ${orphan.action}: ${orphan.pipeline}/${orphan.part} ${orphan.reason}`, {
    ...orphan,
  });
}

function tooMany(doomed: number, live: number, { force, cluster }: ReconcileInput): string | undefined {
  const allowed = Math.max(ALWAYS_ALLOWED, Math.floor(live * LARGEST_SHARE));
  if (force === true || doomed <= allowed) return undefined;
  return `${doomed} of ${live} jobs on ${cluster} have no living owner, which is more than ${allowed}: nothing was ended; check that this is the right Temporal namespace, then run it with force`;
}

const isLeft = (row: EngineJobRow): boolean =>
  ((row.spec as { onOrphan?: string }).onOrphan ?? (row.kind === 'stream' ? 'leave' : 'kill')) === 'leave';

/** An owner that a person ended makes a broken-off job cancelled; one that timed out or failed makes it failed. */
function outcomeOf(seen: Observation, owner: OwnerState): 'succeeded' | 'failed' | 'cancelled' {
  if (seen.state === 'succeeded') return 'succeeded';
  if (seen.state === 'failed') return 'failed';
  return owner === 'timed-out' || owner === 'failed' ? 'failed' : 'cancelled';
}

function reportOf(
  { engine, cluster, dryRun = false }: ReconcileInput,
  live: number,
  orphans: readonly OrphanReport[],
  unknown: readonly string[],
): ReconcileReport {
  const counts: Partial<Record<OrphanAction, number>> = {};
  for (const { action } of orphans) counts[action] = (counts[action] ?? 0) + 1;
  return {
    cluster,
    engine,
    dryRun,
    live,
    orphans: orphans.slice(0, SHOWN),
    counts,
    unknown: unknown.slice(0, SHOWN),
    at: new Date().toISOString(),
  };
}
