/** The suite `engines`: rounds of faults over runs and streams on real engines, and the reckoning at the end. */
import { messageOf } from '../../infra/errors.js';
import { installationId } from '../../infra/postgres/runs.js';
import type { Counts } from './counts.js';
import { describeFault, inflict } from './faults.js';
import type { ChaosOptions } from './options.js';
import { EXPECTED, runOne, type EndedRun } from './runs.js';
import { feedSales } from './sales-feed.js';
import { drawSchedule, type Round } from './schedule.js';
import { chaosHome, recordOf, stopServers } from './servers.js';
import { startStreams, streamsRun, tablesAgree } from './streams.js';
import { watchForTwins } from './twin-watch.js';
import { judge } from './verdict.js';
import { startWorker, WORKERS, type WorkerName } from './worker-processes.js';
import { DOORS, openWorld, type World } from './world.js';

const ROUND_MS = 6 * 60_000;
const STREAMS_MS = 3 * 60_000;

export interface ChaosReport extends Partial<Counts> {
  ok: boolean;
  suite: 'engines';
  seed: number;
  rounds: number;
  seconds: number;
  faults: Record<string, number>;
  /** Requests at the doors of the engines, by what was done to them. */
  requests: Record<string, number>;
  /** Looks for two living jobs of one stream. */
  looks: number;
  problems: string[];
}

export async function runEngines({ rounds, seed, keep }: ChaosOptions): Promise<ChaosReport> {
  const startedMs = Date.now();
  const say = (line: string): void =>
    void process.stderr.write(`[${((Date.now() - startedMs) / 1000).toFixed(1).padStart(6)}] ${line}\n`);
  const report: ChaosReport = {
    ok: false,
    suite: 'engines',
    seed,
    rounds: 0,
    seconds: 0,
    faults: {},
    requests: {},
    looks: 0,
    problems: [],
  };
  const schedule = drawSchedule(seed, rounds);
  let world: World | undefined;
  const end = (signal: NodeJS.Signals): void => {
    say(`${signal}: taking the servers down`);
    stopServers(chaosHome(), say, false).finally(() => process.exit(130));
  };
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    world = await openWorld(say);
    Object.assign(report, await chaos(world, schedule, report));
    report.problems = world.problems;
  } catch (error) {
    report.problems = [...(world?.problems ?? []), `the script broke off: ${messageOf(error)}`];
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    if (world !== undefined) for (const name of DOORS) addTo(report.requests, world.doors[name].counts);
    await world?.close();
    report.ok = report.problems.length === 0;
    if (!keep) await stopServers(chaosHome(), say, report.ok);
    if (keep || !report.ok) say(`data and logs are kept in ${chaosHome()}`);
  }
  report.seconds = Math.round((Date.now() - startedMs) / 1000);
  for (const problem of report.problems) say(`PROBLEM ${problem}`);
  return report;
}

async function chaos(world: World, schedule: readonly Round[], report: ChaosReport): Promise<Counts> {
  const { say, problems } = world;
  const installation = await installationId(world.pool);
  const feed = await feedSales(world);
  await startStreams(world);
  const twins = watchForTwins(world, installation);
  const runs: EndedRun[] = [];
  try {
    const missing = await streamsRun(world, installation, STREAMS_MS);
    if (missing !== undefined) throw new Error(`before any fault: ${missing}`);
    for (const [index, round] of schedule.entries()) {
      say(`round ${index + 1}: ${round.faults.map(describeFault).join('; ')}`);
      const ended = await playRound(world, round);
      runs.push(...ended);
      for (const { name } of round.faults) report.faults[name] = (report.faults[name] ?? 0) + 1;
      report.rounds += 1;
      await workersRun(world);
      const silent = await streamsRun(world, installation, STREAMS_MS);
      if (silent !== undefined) problems.push(`round ${index + 1}: ${silent}`);
      say(`  ${ended.map(describeEnd).join(', ')}; ${problems.length} problems`);
    }
    await feed.stop();
    problems.push(...(await tablesAgree(world, feed, STREAMS_MS)));
  } finally {
    await feed.stop();
    await twins.stop();
    report.looks = twins.looks;
  }
  return judge(world, installation, runs, twins);
}

async function playRound(world: World, round: Round): Promise<EndedRun[]> {
  const deadlineMs = Date.now() + ROUND_MS;
  const [runs] = await Promise.all([
    Promise.all(round.runs.map((run) => runOne(world, run, deadlineMs))),
    Promise.all(round.faults.map((fault) => inflict(world, fault))),
  ]);
  return runs;
}

/** A worker that is gone although nobody killed it is a fault of its own; the next round needs it all the same. */
async function workersRun(world: World): Promise<void> {
  for (const name of Object.keys(WORKERS) as WorkerName[]) {
    if ((await recordOf(world.servers.home, name)) !== undefined) continue;
    world.problems.push(`${name} ended by itself`);
    await startWorker(world.servers.home, world.workerEnv, name);
  }
}

const describeEnd = ({ kind, ended, message }: EndedRun): string =>
  `${kind} ${ended}${ended === EXPECTED[kind] ? '' : ` (WRONG: ${message ?? 'no reason'})`}`;

function addTo(sums: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
}
