/**
 * `npm run bench -- watch`: 10,000 running jobs on six simulated clusters, watched by the product's own workers over the
 * engines' real REST forms, with real Temporal, Postgres and S3; SLUICE_BENCH_JOBS makes it smaller for a trial.
 *
 * Owners are open workflows: some run and acknowledge as `engineJob` does (more than a worker keeps in its cache), 220
 * are real `engineJob` workflows, submitted through the adapter, on which the idle cost is measured; all others only take
 * their signals, and the bench acknowledges for them in the ledger, because a development server of Temporal on SQLite
 * runs out of workflow tasks long before the watcher runs out of anything. An interval is the configured one (1.5 s while
 * jobs are young, 7.5 s when old); a notice is the time from the change at the engine, by the engine's clock, to the event
 * time of the accepted signal in the owner's history.
 */
import { setTimeout as timer } from 'node:timers/promises';
import { logFile, stopProcess, tail } from '../infra/local/index.js';
import { createTemporalPort } from '../workers/temporal-port.js';
import { watchWorkflowId } from '../workflows/contracts/ids.js';
import type { BenchReport } from './main.js';
import { openBenchStack, type BenchStack } from './support/bench-stack.js';
import { benchBundle, startBenchWorker } from './support/bench-workers.js';
import { ChangeDriver } from './support/change-driver.js';
import { CHECK_EVERY_HOURS, checksMade, growth, historyLengths } from './support/idle-cost.js';
import {
  atMost,
  eventually,
  isThere,
  machine,
  percentile,
  processorSeconds,
  residentBytes,
  rounded,
  sleep,
} from './support/measures.js';
import { noticesOf, type Notice } from './support/notices.js';
import { measurePeer } from './support/peer-run.js';
import { CLUSTERS, startSimulatedClusters, UNWATCHED, type SimulatedClusters } from './support/simulated-clusters.js';
import type { WorkerOrder } from './support/watch-worker.js';
import {
  acknowledgeQuiet,
  insertRows,
  ownerId,
  putManifests,
  recordRun,
  startEngineJobs,
  spread,
  startOwners,
  untilOwnersWait,
} from './support/watched-jobs.js';

const YOUNG_INTERVAL_MS = 1_500;
/** As the product slows down when all jobs are old. */
const OLD_INTERVAL_MS = 5 * YOUNG_INTERVAL_MS;
/** Until then a job counts as young. */
const YOUNG_MS = 120_000;
const OLD_WINDOW_MS = 90_000;
const BURST_AFTER_MS = 12_000;
const KILL_AFTER_MS = 45_000;
/** Changes from shortly before the kill until the watch has certainly been taken over. */
const OUTAGE_MS = 25_000;
const SETTLE_MS = 90_000;
const WATCHED = CLUSTERS.filter(({ name }) => name !== UNWATCHED);
/** More than are to be watched, so that as many still run at the end. */
const SPARE = 1.12;
/** More owners than a worker keeps in its cache. */
const SERVED = 0.08;

export async function run(say: (line: string) => void): Promise<BenchReport> {
  const wanted = Number(process.env['SLUICE_BENCH_JOBS'] ?? 10_000);
  const stack = await openBenchStack(say);
  try {
    return await measure(stack, wanted, say);
  } catch (error) {
    // The logs go with the stack.
    for (const name of ['bench-control', 'bench-engines', 'bench-peer', 'clusters']) {
      say(`end of the log of ${name}:\n${await tail(logFile(stack.home, name))}`);
    }
    throw error;
  } finally {
    await stack.close();
  }
}

async function measure(stack: BenchStack, wanted: number, say: (line: string) => void): Promise<BenchReport> {
  const { client } = stack.temporal;
  const clusters = await startSimulatedClusters(stack.home);
  const bundle = await benchBundle(stack.home);
  const processes = new Map<string, number>();
  const startWorker = async (name: string, order: Pick<WorkerOrder, 'roles' | 'deafOwner'>): Promise<void> => {
    const full: WorkerOrder = { ...order, bundle, urls: { ...clusters.urls } };
    const settings = { SLUICE_WATCH_INTERVAL_MS: String(YOUNG_INTERVAL_MS), SLUICE_BENCH_WORKER: JSON.stringify(full) };
    processes.set(name, await startBenchWorker(stack.home, name, 'watch-worker', { ...stack.env, ...settings }));
  };
  await startWorker('bench-control', { roles: ['control'] });

  await startWorker('bench-engines', { roles: ['flink', 'spark'], deafOwner: ownerId(0) });

  const port = createTemporalPort(client);
  for (const { engine, name } of WATCHED) await port.ensureWatcher(engine, name);
  await eventually('all clusters are watched', 60_000, async () => (await watchers(stack)) === WATCHED.length);

  // Nobody serves this queue, so the jobs of this cluster are not watched and make their safety checks early.
  const parked = { workflowId: watchWorkflowId(UNWATCHED), taskQueue: 'bench-nobody' };
  await client.workflow.start('clusterWatch', { ...parked, args: [{ engine: 'flink', cluster: UNWATCHED }] });
  await recordRun(stack);
  const real = await startEngineJobs(stack, 'bench-flink-1', Math.max(20, Math.min(200, wanted / 10)));
  const asking = await startEngineJobs(stack, UNWATCHED, 20);
  await eventually('real engine jobs run', 120_000, async () => (await waiting(stack)) === real.length + asking.length);
  const asked = await historyLengths(client, asking);

  const startedMs = Date.now();
  const jobs = spread(await startOwners(stack, Math.round(wanted * SPARE), Math.round(wanted * SERVED)));
  say(`${jobs.length} owners: open after ${seconds(Date.now() - startedMs)} s`);
  await untilOwnersWait(stack, jobs);
  say(`those that are served wait after ${seconds(Date.now() - startedMs)} s`);
  const lostOne = jobs.find(({ owner }) => owner.workflowId === ownerId(0));
  if (lostOne === undefined) throw new Error('no job to watch');
  const rest = jobs.filter((job) => job !== lostOne);
  const provable = rest.splice(0, Math.ceil(wanted * 0.04));
  await putManifests(stack.objects, provable);

  await clusters.load(
    jobs.map(({ cluster, key, tag, name, engineJobId }) => ({ cluster, key, tag, name, engineJobId })),
  );
  await insertRows(stack, jobs);
  const bornMs = Date.now();
  await eventually('all jobs are watched', 90_000, async () => (await unseen(stack)) === 0);
  say(`all jobs are watched and have been seen after ${seconds(Date.now() - bornMs)} s`);
  const idleBefore = await historyLengths(client, real);
  const idleSinceMs = Date.now();

  const quiet = acknowledgeQuiet(stack);
  const memory = watchMemory(processes);
  const cpuPercent = await idleProcessor(stack, processes);
  const driver = new ChangeDriver(clusters, rest, provable);
  const perSecond = (intervalMs: number): number => wanted / 100 / (intervalMs / 1_000);
  const young: Window = { fromMs: Date.now(), toMs: bornMs + YOUNG_MS - 2_000 };
  const lostMs = await driver.single(lostOne);
  await driver.steady(perSecond(YOUNG_INTERVAL_MS), young.toMs, () => 'young');
  say(`young: ${driver.changes.length} changes`);

  // The last young interval runs into the first old one.
  await sleep(bornMs + YOUNG_MS + 2 * YOUNG_INTERVAL_MS - Date.now());
  const old: Window = { fromMs: Date.now(), toMs: Date.now() + OLD_WINDOW_MS };
  const killAtMs = old.fromMs + KILL_AFTER_MS;
  let burstMs = Number.NaN;
  await Promise.all([
    driver.steady(perSecond(OLD_INTERVAL_MS), old.toMs, (nowMs) =>
      nowMs > killAtMs - OLD_INTERVAL_MS && nowMs < killAtMs + OUTAGE_MS ? 'outage' : 'old',
    ),
    timer(BURST_AFTER_MS).then(async () => {
      burstMs = await driver.burst(Math.round(wanted / 10));
      say('burst');
    }),
    timer(KILL_AFTER_MS).then(async () => {
      const pid = processes.get('bench-engines') ?? 0;
      process.kill(pid, 'SIGKILL');
      say('the watcher is killed');
      await eventually('it is gone', 10_000, () => Promise.resolve(!isThere(pid)));
      await startWorker('bench-engines', { roles: ['flink', 'spark'] });
    }),
  ]);
  await eventually('all changes are acknowledged', SETTLE_MS, async () => (await unsettled(stack, driver)) === 0).catch(
    (error: Error) => say(error.message),
  );
  const idleHours = (Date.now() - idleSinceMs) / 3_600_000;
  const idleEvents = growth(idleBefore, await historyLengths(client, real)) / (real.length * idleHours);
  const checks = await checksMade(client, asking);
  const perCheck = growth(asked, await historyLengths(client, asking)) / checks;
  const peak = memory.stop();
  await quiet.stop();
  const seen = await clusters.seen();
  for (const name of processes.keys()) await stopProcess(stack.home, name);

  const { notices, signals } = await noticesOf(client, driver.changes);
  say(`${driver.changes.length} changes, ${signals} signals in their owners' histories`);
  const peer = await measurePeer(stack, clusters, {
    jobs: Math.max(20, Math.round(wanted / 20)),
    intervalMs: YOUNG_INTERVAL_MS,
    bundle,
  });

  const youngGaps = gaps(seen, young);
  const oldGaps = gaps(seen, old);
  const told = (of: (one: Notice) => boolean): number[] =>
    notices.filter(of).map(({ afterMs }) => afterMs ?? Number.POSITIVE_INFINITY);
  const steady = notices.filter(({ phase }) => phase !== 'burst');
  const inIntervals = steady.map(
    ({ phase, afterMs }) =>
      (afterMs ?? Number.POSITIVE_INFINITY) / (phase === 'young' ? YOUNG_INTERVAL_MS : OLD_INTERVAL_MS),
  );
  const idlePerHour = idleEvents + perCheck / CHECK_EVERY_HOURS;
  const requests = Math.max(
    YOUNG_INTERVAL_MS / mean(youngGaps),
    OLD_INTERVAL_MS / mean(oldGaps.filter((gap) => gap < OUTAGE_MS / 2)),
  );
  const burstSeconds = Math.max(...told(({ phase }) => phase === 'burst')) / 1_000;
  const unnoticed = notices.filter(({ afterMs }) => afterMs === undefined).length;
  const lostNotice = notices.find(({ job, atMs }) => job === lostOne && atMs === lostMs)?.afterMs;
  const others = Object.values(seen).reduce((sum, one) => sum + one.others, 0);
  const outage = told(({ phase }) => phase === 'outage');
  return {
    name: 'watch',
    machine: machine(),
    metrics: {
      jobs: jobs.length,
      running_at_end: jobs.length - driver.changes.filter(({ state }) => !/^re?(starting|unning)/.test(state)).length,
      owners_served: jobs.filter(({ served }) => served).length,
      real_engine_jobs: real.length + asking.length,
      clusters: WATCHED.length,
      changes: driver.changes.length,
      signals,
      interval_young_s_p50: rounded(percentile(youngGaps, 0.5) / 1_000),
      interval_young_s_p95: rounded(percentile(youngGaps, 0.95) / 1_000),
      interval_old_s_p50: rounded(percentile(oldGaps, 0.5) / 1_000),
      interval_old_s_max: rounded(Math.max(...oldGaps) / 1_000),
      list_requests: Object.values(seen).reduce((sum, { lists }) => sum + lists.length, 0),
      other_requests: others,
      notice_s_p50_young: rounded(
        percentile(
          told(({ phase }) => phase === 'young'),
          0.5,
        ) / 1_000,
      ),
      notice_s_p99_young: rounded(
        percentile(
          told(({ phase }) => phase === 'young'),
          0.99,
        ) / 1_000,
      ),
      notice_s_p99_old: rounded(
        percentile(
          told(({ phase }) => phase === 'old'),
          0.99,
        ) / 1_000,
      ),
      notice_s_max_around_kill: rounded(Math.max(...outage) / 1_000),
      lost_signal_notice_s: rounded((lostNotice ?? Number.NaN) / 1_000),
      burst_jobs: notices.filter(({ phase, atMs }) => phase === 'burst' && atMs === burstMs).length,
      idle_events_per_job_hour_measured: rounded(idleEvents),
      events_per_safety_check: rounded(perCheck),
      safety_checks_measured: checks,
      rss_mib_control: rounded(peak.of('bench-control'), 0),
      rss_mib_engines: rounded(peak.of('bench-engines'), 0),
      idle_cpu_percent: rounded(cpuPercent, 1),
      idle_cpu_percent_per_1000_jobs: rounded((cpuPercent * 1_000) / jobs.length),
    },
    peer,
    targets: [
      atMost('interval_young_s', 2, percentile(youngGaps, 0.5) / 1_000),
      atMost('interval_old_s', 10, percentile(oldGaps, 0.5) / 1_000),
      atMost('requests_per_interval', 1, requests),
      atMost('idle_events_per_job_hour', 6, idlePerHour),
      atMost('rss_mib', 1_536, peak.all),
      atMost('notice_intervals_p99', 2, percentile(inIntervals, 0.99)),
      atMost('burst_seconds', 30, burstSeconds),
      atMost('unnoticed_changes', 0, unnoticed),
    ],
  };
}

interface Window {
  fromMs: number;
  toMs: number;
}

/** Times between two lists of the same cluster, all clusters together. */
function gaps(seen: Awaited<ReturnType<SimulatedClusters['seen']>>, { fromMs, toMs }: Window): number[] {
  return WATCHED.flatMap(({ name }) => {
    const inside = (seen[name]?.lists ?? []).filter((atMs) => atMs >= fromMs && atMs <= toMs);
    return inside.slice(1).map((atMs, index) => atMs - (inside[index] ?? atMs));
  });
}

const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;
const seconds = (ms: number): string => (ms / 1_000).toFixed(1);

const countOf = async (stack: BenchStack, sql: string, values: unknown[] = []): Promise<number> =>
  Number((await stack.pool.query<{ count: string }>(sql, values)).rows[0]?.count);

/** Real engine jobs that have been submitted and acknowledged. */
const waiting = (stack: BenchStack): Promise<number> =>
  countOf(stack, `select count(*) from control.engine_job where state = 'running' and observation = acked_observation`);

/** Clusters that somebody watches now. */
const watchers = (stack: BenchStack): Promise<number> =>
  countOf(stack, `select count(*) from control.cluster where heartbeat_at > now() - interval '10 s'`);

/** Jobs that no watcher has looked at: the first look adds their link. */
const unseen = (stack: BenchStack): Promise<number> =>
  countOf(stack, 'select count(*) from control.engine_job where link is null');

/** Changed jobs whose owner has not acknowledged their last state; without executors, a Spark job may count as starting again. */
function unsettled(stack: BenchStack, driver: ChangeDriver): Promise<number> {
  const last = new Map(driver.changes.map(({ job, state }) => [job.key, state]));
  return countOf(
    stack,
    `select count(*) from unnest($1::text[], $2::text[]) as wanted (key, state)
     join control.engine_job j using (key) where j.observation > j.acked_observation
       or (j.state <> wanted.state and not (wanted.state = 'restarting' and j.state = 'starting'))`,
    [[...last.keys()], [...last.values()]],
  );
}

/** The highest memory of all Sluice processes together, in MiB, asked every second until stopped. */
function watchMemory(processes: ReadonlyMap<string, number>) {
  const peaks = new Map<string, number>();
  let all = 0;
  const look = async (): Promise<void> => {
    let sum = 0;
    for (const [name, pid] of processes) {
      const mib = (await residentBytes(pid)) / 2 ** 20;
      peaks.set(name, Math.max(peaks.get(name) ?? 0, mib));
      sum += mib;
    }
    all = Math.max(all, sum);
  };
  const every = setInterval(() => void look(), 1_000);
  return {
    stop() {
      clearInterval(every);
      return { all, of: (name: string) => peaks.get(name) ?? Number.NaN };
    },
  };
}

/** Processor time of Sluice's processes and Temporal while nothing changes, in percent of one core. */
async function idleProcessor(stack: BenchStack, processes: ReadonlyMap<string, number>): Promise<number> {
  const pids = [...processes.values(), (await stack.process('temporal')).pid];
  const used = async (): Promise<number> => (await Promise.all(pids.map(processorSeconds))).reduce((a, b) => a + b, 0);
  const before = await used();
  const startedMs = Date.now();
  await sleep(10_000);
  return (((await used()) - before) * 100_000) / (Date.now() - startedMs);
}
