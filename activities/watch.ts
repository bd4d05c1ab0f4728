/** The watch loop of one cluster: one list per interval, what changed is stored, then its owner is signalled. */
import { Context } from '@temporalio/activity';
import pg from 'pg';
import { isTerminal } from '../engines/job-state.js';
import type { EngineName, EnginePort, Observation } from '../engines/port.js';
import { messageOf } from '../infra/errors.js';
import { beatWatch, takeWatch, type ClusterAnswer } from '../infra/postgres/clusters.js';
import {
  listWatched,
  markOwnerless,
  markSignalled,
  recordObservation,
  type EngineJobRow,
  type Watcher,
} from '../infra/postgres/engine-jobs.js';
import type { WatchActivities } from '../workflows/contracts/activities.js';
import type { WatchReport } from '../workflows/contracts/messages.js';
import type { JobStateName } from '../workflows/contracts/plans.js';
import { atOnce } from './at-once.js';
import type { ActivityDeps } from './deps.js';
import { handleOf } from './job-handle.js';
import { keepLogs } from './job-logs.js';
import { redact } from './lineage/redact.js';
import { MissingJobs } from './missing-jobs.js';
import { worthWriting } from './watch-changes.js';
import { retryableFailure } from './watch-failures.js';
import { Flaps } from './watch-flaps.js';
import { nextIntervalMs } from './watch-interval.js';
import { createLogKeeper } from './watch-logs.js';
import { Silence, UNREACHABLE } from './watch-silence.js';
import { createWakeUp } from './watch-wake-up.js';

/** One pass ends after this long, so that the workflow's history stays short. */
const PASS_MS = 3_600_000;
const HEARTBEAT_MS = 3_000;
/** Rows that are settled, and signals that are sent, at the same time: a crowd of ends must not queue up behind itself. */
const ROWS_AT_ONCE = 32;
/** So many signals are sent before an owner that does not acknowledge is checked. */
const TRUSTED_ATTEMPTS = 2;

/** What one pass of a watcher knows and remembers. */
interface Pass extends Watcher {
  signal: AbortSignal;
  missing: MissingJobs;
  silence: Silence;
  flaps: Flaps;
}

export function createWatchActivities(deps: ActivityDeps): WatchActivities {
  /** By cluster; outlives a pass. */
  const silences = new Map<string, Silence>();
  const silenceOf = (cluster: string): Silence => {
    const known = silences.get(cluster) ?? new Silence();
    silences.set(cluster, known);
    return known;
  };

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
    const pass: Pass = { cluster, epoch, signal, missing, silence: silenceOf(cluster), flaps: new Flaps() };
    const logs = createLogKeeper(() => keepLogs(deps, port, cluster, signal), context.log);
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
        const beat = await beatWatch(deps.pool, cluster, epoch, listed.answer);
        if (beat === undefined) break;
        const awaySince = beat.unreachableSince === null ? undefined : Date.parse(beat.unreachableSince);
        pass.silence.note(open, listed.seen, awaySince, deps.now());
        pass.flaps.keepOnly(new Set(rows.map(({ key }) => key)));
        await atOnce(rows, ROWS_AT_ONCE, async (row) => {
          report.signals += await settleRow(pass, row, listed.seen.get(row.key));
        });
        logs.begin();
        const youngestMs = Math.max(0, ...rows.map((row) => Date.parse(row.intent_at)));
        const ageMs = deps.now() - youngestMs;
        await wakeUp.wait(nextIntervalMs(deps.settings.watchIntervalMs, ageMs, failures, Math.random()), signal);
      }
    } finally {
      clearInterval(beat);
      await wakeUp.close();
      await logs.done();
    }
    return { ...report, endedAt: new Date(deps.now()).toISOString() };
  }

  /** Stores the observation of one row and signals its owner while the newest one is not acknowledged; 1 = signalled. */
  async function settleRow(pass: Pass, row: EngineJobRow, seen: Observation | undefined): Promise<number> {
    let current = row;
    const judged = judge(pass, row, seen);
    if (judged) {
      // What a list says of an ended job is complete: the adapter has asked for its details.
      if (worthWriting(row, judged, deps.now())) {
        const observed = { ...judged, terminal: isTerminal(judged.state) };
        const stored = await recordObservation(deps.pool, row.key, observed, { watcher: pass });
        if (stored) current = stored;
        if (stored && stored.state !== row.state) pass.flaps.note(row.key, row.state, judged.state);
      }
    }
    if (Number(current.observation) <= Number(current.acked_observation)) return 0;
    if (!mayResend(current, deps.now()) || pass.flaps.holdsBack(current.key, deps.now())) return 0;
    const owner = { workflowId: current.owner_workflow_id, firstRunId: current.owner_first_run_id };
    // A stranger under a reused workflow id takes signals too, but never acknowledges them.
    if (current.signal_attempts >= TRUSTED_ATTEMPTS && (await deps.temporal.isClosed(owner))) {
      await markOwnerless(deps.pool, current.key, pass);
      return 0;
    }
    const changes = pass.flaps.told(current.key, deps.now());
    const delivered = await deps.temporal.signalJobChanged(current.owner_workflow_id, {
      key: current.key,
      observation: Number(current.observation),
      state: current.state as JobStateName,
      ...(changes > 1 ? { changes } : {}),
    });
    if (!delivered) {
      // Only a clear "closed" makes it ownerless; a workflow that merely continued as new is found by its id.
      if (await deps.temporal.isClosed(owner)) await markOwnerless(deps.pool, current.key, pass);
      return 0;
    }
    await markSignalled(deps.pool, current.key, pass);
    return 1;
  }

  /** What this interval says about a job; an answer without a meaning changes nothing until the job's own limit passes. */
  function judge(
    { missing, silence }: Pass,
    row: EngineJobRow,
    seen: Observation | undefined,
  ): Observation | undefined {
    if (row.ended_at !== null) return undefined;
    const overdue = silence.overdue(row, deps.now());
    if (overdue) return overdue;
    if (seen === undefined) return undefined;
    // Told once; it stays said until there is an answer again.
    if (row.native_state === UNREACHABLE && seen.state === 'unknown') return undefined;
    return missing.judge(row.key, seen, deps.now());
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
