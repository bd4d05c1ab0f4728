/** The watch loop of one cluster: one list per interval, what changed is stored, then its owner is signalled. */
import { Context } from '@temporalio/activity';
import pg from 'pg';
import { isTerminal } from '../engines/job-state.js';
import type { EngineName, EnginePort, Observation } from '../engines/port.js';
import { isSluiceError, messageOf } from '../infra/errors.js';
import { beatWatch, takeWatch, type ClusterAnswer } from '../infra/postgres/clusters.js';
import {
  listWatched,
  markOwnerless,
  markSignalled,
  recordObservation,
  type EngineJobRow,
} from '../infra/postgres/engine-jobs.js';
import type { WatchActivities } from '../workflows/contracts/activities.js';
import type { WatchReport } from '../workflows/contracts/messages.js';
import type { JobStateName } from '../workflows/contracts/plans.js';
import type { ActivityDeps } from './deps.js';
import { handleOf } from './job-handle.js';
import { redact } from './lineage/redact.js';
import { MissingJobs } from './missing-jobs.js';
import { worthWriting } from './watch-changes.js';
import { retryableFailure } from './watch-failures.js';
import { nextIntervalMs } from './watch-interval.js';
import { createWakeUp } from './watch-wake-up.js';

/** One pass ends after this long, so that the workflow's history stays short. */
const PASS_MS = 3_600_000;
const HEARTBEAT_MS = 3_000;
/** So many signals are sent before an owner that does not acknowledge is checked. */
const TRUSTED_ATTEMPTS = 2;

export function createWatchActivities(deps: ActivityDeps): WatchActivities {
  return {
    async watchCluster({ engine, cluster }) {
      const context = Context.current();
      try {
        const report = await watchForOnePass(context, engine, cluster);
        context.cancellationSignal.throwIfAborted();
        return report;
      } catch (error) {
        throw context.cancellationSignal.aborted ? context.cancellationSignal.reason : retryableFailure(error);
      }
    },
  };

  async function watchForOnePass(context: Context, engine: EngineName, cluster: string): Promise<WatchReport> {
    const signal = context.cancellationSignal;
    const epoch = await takeWatch(deps.pool, cluster, engine);
    const port = deps.engine(engine, cluster);
    const missing = new MissingJobs();
    const wakeUp = await createWakeUp(deps.settings.databaseUrl, cluster, pg.Client);
    const report = { cluster, watched: 0, requests: 0, signals: 0, endedAt: '' };
    const endAt = deps.now() + PASS_MS;
    // On its own clock: while the cluster is away the interval is longer than the heartbeat timeout.
    const beat = setInterval(() => context.heartbeat({ ...report }), HEARTBEAT_MS);
    let failures = 0;
    try {
      while (deps.now() < endAt && !signal.aborted) {
        const rows = await listWatched(deps.pool, cluster);
        report.watched = rows.length;
        const open = rows.filter((row) => row.ended_at === null);
        if (open.length > 0) report.requests += 1;
        const listed = await listJobs(port, open, signal);
        if (signal.aborted) break;
        failures = listed.answer?.reachable === false ? failures + 1 : 0;
        if (!(await beatWatch(deps.pool, cluster, epoch, listed.answer))) break;
        for (const row of rows)
          report.signals += await settleRow(row, listed.seen.get(row.key), epoch, missing, signal);
        const youngestMs = Math.max(0, ...rows.map((row) => Date.parse(row.intent_at)));
        const ageMs = deps.now() - youngestMs;
        await wakeUp.wait(nextIntervalMs(deps.settings.watchIntervalMs, ageMs, failures, Math.random()), signal);
      }
    } finally {
      clearInterval(beat);
      await wakeUp.close();
    }
    return { ...report, endedAt: new Date(deps.now()).toISOString() };
  }

  /** Stores the observation of one row and signals its owner while the newest one is not acknowledged; 1 = signalled. */
  async function settleRow(
    row: EngineJobRow,
    seen: Observation | undefined,
    epoch: number,
    missing: MissingJobs,
    signal: AbortSignal,
  ): Promise<number> {
    let current = row;
    if (seen) {
      const judged = missing.judge(row.key, seen, deps.now());
      const ended = judged.state !== row.state && isTerminal(judged.state);
      const detail = ended ? await withDetail(row, judged, signal) : judged;
      if (detail && worthWriting(row, detail, deps.now())) {
        const stored = await recordObservation(
          deps.pool,
          row.key,
          { ...detail, terminal: isTerminal(detail.state) },
          { watcher: { cluster: row.cluster, epoch } },
        );
        if (stored) current = stored;
      }
    }
    if (Number(current.observation) <= Number(current.acked_observation)) return 0;
    if (!mayResend(current, deps.now())) return 0;
    const owner = { workflowId: current.owner_workflow_id, firstRunId: current.owner_first_run_id };
    // A stranger under a reused workflow id takes signals too, but never acknowledges them.
    if (current.signal_attempts >= TRUSTED_ATTEMPTS && (await deps.temporal.isClosed(owner))) {
      await markOwnerless(deps.pool, current.key);
      return 0;
    }
    const delivered = await deps.temporal.signalJobChanged(current.owner_workflow_id, {
      key: current.key,
      observation: Number(current.observation),
      state: current.state as JobStateName,
    });
    if (!delivered) {
      // Only a clear "closed" makes it ownerless; a workflow that merely continued as new is found by its id.
      if (await deps.temporal.isClosed(owner)) await markOwnerless(deps.pool, current.key);
      return 0;
    }
    await markSignalled(deps.pool, current.key);
    return 1;
  }

  /** A list answers with a state only; the reason of an ended job is asked once, and again next time if nobody answered. */
  async function withDetail(
    row: EngineJobRow,
    seen: Observation,
    signal: AbortSignal,
  ): Promise<Observation | undefined> {
    if (seen.state === 'lost') return seen;
    try {
      const port = deps.engine(row.engine as EngineName, row.cluster);
      const detailed = await port.observe(handleOf(row), signal);
      return isTerminal(detailed.state) ? detailed : seen;
    } catch (error) {
      if (signal.aborted || (isSluiceError(error) && error.retryable)) return undefined;
      // An engine that refuses to give details will do so again: the end counts without them.
      return seen;
    }
  }
}

interface Listed {
  /** Missing when nothing was asked. */
  answer?: ClusterAnswer;
  seen: Map<string, Observation>;
}

/** Whatever a list request fails with, the cluster counts as away for this interval: a watcher outlives its engine. */
async function listJobs(port: EnginePort, open: EngineJobRow[], signal: AbortSignal): Promise<Listed> {
  if (open.length === 0) return { seen: new Map() };
  try {
    return { answer: { reachable: true }, seen: await port.observeAll(open.map(handleOf), signal) };
  } catch (error) {
    return { answer: { reachable: false, message: redact(messageOf(error)) }, seen: new Map() };
  }
}

/** 5 s, 10 s, 20 s … up to 5 min between repeats of a signal that its owner has not acknowledged. */
function mayResend(row: EngineJobRow, nowMs: number): boolean {
  if (!row.signalled_at) return true;
  const waitMs = Math.min(5_000 * 2 ** Math.max(0, row.signal_attempts - 1), 300_000);
  return nowMs - Date.parse(row.signalled_at) >= waitMs;
}
