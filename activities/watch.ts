/** The watch loop of one cluster: one list per interval, what changed is stored, then its owner is signalled. */
import { Context } from '@temporalio/activity';
import pg from 'pg';
import { isTerminal } from '../engines/job-state.js';
import type { EngineName, JobHandle, Observation } from '../engines/port.js';
import { isSluiceError } from '../infra/errors.js';
import { beatWatch, takeWatch } from '../infra/postgres/clusters.js';
import {
  listWatched,
  markOwnerless,
  markSignalled,
  recordObservation,
  type EngineJobRow,
} from '../infra/postgres/engine-jobs.js';
import type { WatchActivities } from '../workflows/contracts/activities.js';
import type { JobStateName } from '../workflows/contracts/plans.js';
import type { ActivityDeps } from './deps.js';
import { handleOf } from './job-handle.js';
import { MissingJobs } from './missing-jobs.js';
import { nextIntervalMs } from './watch-interval.js';
import { createWakeUp } from './watch-wake-up.js';

/** One pass ends after this long, so that the workflow's history stays short. */
const PASS_MS = 3_600_000;
const HEARTBEAT_MS = 3_000;

export function createWatchActivities(deps: ActivityDeps): WatchActivities {
  return {
    ensureWatcher: ({ engine, cluster }) => deps.temporal.ensureWatcher(engine, cluster),

    async watchCluster({ engine, cluster }) {
      const context = Context.current();
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
        while (deps.now() < endAt && !context.cancellationSignal.aborted) {
          const rows = await listWatched(deps.pool, cluster);
          report.watched = rows.length;
          if (rows.length > 0) {
            report.requests += 1;
            try {
              const open = rows.filter((row) => row.ended_at === null);
              const seen = await port.observeAll(open.map(handleOf), context.cancellationSignal);
              failures = 0;
              if (!(await beatWatch(deps.pool, cluster, epoch, { reachable: true }))) break;
              for (const row of rows) report.signals += await settleRow(row, seen.get(row.key), epoch, missing);
            } catch (error) {
              if (!isSluiceError(error, 'ENGINE_UNREACHABLE')) throw error;
              failures += 1;
              if (!(await beatWatch(deps.pool, cluster, epoch, { reachable: false, message: error.message }))) break;
            }
          } else if (!(await beatWatch(deps.pool, cluster, epoch, { reachable: true }))) break;
          const youngestMs = Math.max(0, ...rows.map((row) => Date.parse(row.intent_at)));
          const intervalMs = nextIntervalMs(
            deps.settings.watchIntervalMs,
            deps.now() - youngestMs,
            failures,
            Math.random(),
          );
          await wakeUp.wait(intervalMs, context.cancellationSignal);
        }
      } finally {
        clearInterval(beat);
        await wakeUp.close();
      }
      context.cancellationSignal.throwIfAborted();
      return { ...report, endedAt: new Date(deps.now()).toISOString() };
    },
  };

  /** Stores the observation of one row and signals its owner while the newest one is not acknowledged; 1 = signalled. */
  async function settleRow(
    row: EngineJobRow,
    seen: Observation | undefined,
    epoch: number,
    missing: MissingJobs,
  ): Promise<number> {
    let current = row;
    if (seen) {
      const judged = missing.judge(row.key, seen, deps.now());
      const changed = judged.state !== row.state;
      const detail = changed && isTerminal(judged.state) ? await withDetail(row, judged) : judged;
      if (detail && (changed || progressChanged(row, detail))) {
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
    const delivered = await deps.temporal.signalJobChanged(current.owner_workflow_id, {
      key: current.key,
      observation: Number(current.observation),
      state: current.state as JobStateName,
    });
    if (!delivered) {
      // Only a clear "closed" makes it ownerless; a workflow that merely continued as new is found by its id.
      const owner = { workflowId: current.owner_workflow_id, firstRunId: current.owner_first_run_id };
      if (await deps.temporal.isClosed(owner)) await markOwnerless(deps.pool, current.key);
      return 0;
    }
    await markSignalled(deps.pool, current.key);
    return 1;
  }

  /** A list answers with a state only; the reason of an ended job is asked once, and again next time if nobody answered. */
  async function withDetail(row: EngineJobRow, seen: Observation): Promise<Observation | undefined> {
    if (seen.state === 'lost') return seen;
    const handle: JobHandle = handleOf(row);
    try {
      const detailed = await deps.engine(row.engine as EngineName, row.cluster).observe(handle);
      return isTerminal(detailed.state) ? detailed : seen;
    } catch (error) {
      if (isSluiceError(error, 'ENGINE_UNREACHABLE')) return undefined;
      throw error;
    }
  }
}

function progressChanged(row: EngineJobRow, seen: Observation): boolean {
  const before = JSON.stringify([row.native_state, row.restore_point, row.restarts, row.progress, row.link]);
  const after = JSON.stringify([
    seen.nativeState,
    seen.restorePoint ?? row.restore_point,
    seen.restarts ?? row.restarts,
    seen.progress ?? row.progress,
    seen.link ?? row.link,
  ]);
  return before !== after;
}

/** 5 s, 10 s, 20 s … up to 5 min between repeats of a signal that its owner has not acknowledged. */
function mayResend(row: EngineJobRow, nowMs: number): boolean {
  if (!row.signalled_at) return true;
  const waitMs = Math.min(5_000 * 2 ** Math.max(0, row.signal_attempts - 1), 300_000);
  return nowMs - Date.parse(row.signalled_at) >= waitMs;
}
