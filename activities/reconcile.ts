/** A pass of reconcile: engine jobs whose owner is gone are ended, runs that died have their books closed. */
import { Context } from '@temporalio/activity';
import type { TaggedJob } from '../engines/port.js';
import { clearOwnerless } from '../infra/postgres/engine-jobs.js';
import {
  forgetSightings,
  jobsByKey,
  listOpenJobs,
  listRunningRuns,
  openJobsByKey,
  saveReconcileReport,
  type OpenJob,
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
import { atOnce } from './at-once.js';
import { whileBeating } from './beating.js';
import { findClosedOwners } from './closed-owners.js';
import { closeIfDead } from './dead-runs.js';
import type { ActivityDeps } from './deps.js';
import { createOrphans, isLeft, isLiving, type Finding } from './orphans.js';

/** A larger part of a cluster's jobs at once is more likely our own mistake than so many dead owners… */
const LARGEST_SHARE = 0.2;
/** …but so few may go whatever their share is: a small installation must be able to lose its only run. */
const ALWAYS_ALLOWED = 2;
const SHOWN = 100;
const RUNS_AT_ONCE = 16;

export function createReconcileActivities(deps: ActivityDeps): ReconcileActivities {
  return {
    reconcileCluster: (request) =>
      whileBeating(`reconcile ${request.cluster}`, (signal) => reconcileCluster(request, signal)),

    reconcileRuns: ({ dryRun }) =>
      whileBeating('books of runs', async (signal) => {
        const closed: ClosedRun[] = [];
        await atOnce(await listRunningRuns(deps.pool), RUNS_AT_ONCE, async (run) => {
          signal.throwIfAborted();
          const closedAs = await closeIfDead(deps, run, dryRun);
          if (closedAs !== undefined) closed.push({ workflowId: run.workflowId, closedAs });
        });
        return closed.slice(0, SHOWN);
      }),
  };

  async function reconcileCluster(request: ReconcileInput, signal: AbortSignal): Promise<ReconcileReport> {
    const { engine, cluster, dryRun = false } = request;
    const port = deps.engine(engine, cluster);
    const open = await listOpenJobs(deps.pool, engine, cluster);
    const tagged = await port.tagged(await installationId(deps.pool), signal);
    const { jobs, unknown } = await withJobsOf(open, tagged);
    const { closed, opened } = await findClosedOwners(deps, jobs);
    const live = new Set(tagged.map(({ key }) => key));
    const orphans = createOrphans(deps, { port, listed: new Set(live), dryRun, signal });
    const rows = new Map((await jobsByKey(deps.pool, keysOf(closed))).map((row) => [row.key, row]));
    const found: Finding[] = [];
    for (const suspect of closed) {
      const row = rows.get(suspect.key);
      const finding = row && (await orphans.lookAt(suspect, row));
      if (finding) found.push(finding);
    }
    if (!dryRun) {
      await forgetSightings(deps.pool, cluster, keysOf(found));
      await clearOwnerless(deps.pool, keysOf(opened.filter(({ ownerless }) => ownerless)));
    }
    const living = found.filter(isLiving);
    for (const { key } of living) live.add(key);
    const doomed = new Set(living.filter((one) => one.due && !isLeft(one)));
    const stopped = tooMany(doomed.size, live.size, request);
    const told: OrphanReport[] = [];
    for (const finding of found) {
      signal.throwIfAborted();
      told.push(await orphans.deal(finding, doomed.has(finding) && stopped === undefined));
    }
    const risen = keysOf(opened.filter(({ ended_at: ended, key }) => ended !== null && live.has(key)));
    for (const row of await jobsByKey(deps.pool, risen)) {
      const stray = await orphans.stray(row);
      if (stray) told.push(stray);
    }
    for (const orphan of told) warnOf(orphan, rows.get(orphan.key)?.orphan_passes ?? 0);
    if (stopped) Context.current().log.warn(`reconcile ${cluster}: ${stopped}`);
    const report = { ...reportOf(request, live.size, told, unknown), ...(stopped ? { stopped } : {}) };
    if (!dryRun) await saveReconcileReport(deps.pool, cluster, report);
    return report;
  }

  /** What is open in our book, and what the engine shows although our book says that it ended. */
  async function withJobsOf(open: readonly OpenJob[], tagged: readonly TaggedJob[]) {
    const known = new Map(open.map((job) => [job.key, job]));
    const missing = tagged.filter(({ key }) => !known.has(key));
    for (const job of await openJobsByKey(deps.pool, keysOf(missing))) known.set(job.key, job);
    const unknown = missing.filter(({ key }) => !known.has(key)).map(({ engineJobId }) => engineJobId);
    return { jobs: [...known.values()], unknown };
  }
}

const keysOf = (jobs: readonly { key: string }[]): string[] => jobs.map(({ key }) => key);

/** Said in the log when it is new, not at every pass. */
function warnOf(orphan: OrphanReport, passes: number): void {
  const isNew = orphan.action === 'stray' || passes <= 1;
  if (orphan.action === 'waits' || !isNew) return;
  const text = `orphan ${orphan.action}: ${orphan.pipeline}/${orphan.part} ${orphan.reason}`;
  Context.current().log.warn(text, { ...orphan });
}

function tooMany(doomed: number, live: number, { force, cluster }: ReconcileInput): string | undefined {
  const allowed = Math.max(ALWAYS_ALLOWED, Math.floor(live * LARGEST_SHARE));
  if (force === true || doomed <= allowed) return undefined;
  return `${doomed} of ${live} jobs on ${cluster} have no living owner, which is more than ${allowed}: nothing was ended; check that this is the right Temporal namespace, then run it with force`;
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
