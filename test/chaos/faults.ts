/** Does a fault and undoes it: when the promise resolves, everything that was ended runs again and every door is open. */
import { setTimeout as delay } from 'node:timers/promises';
import { signalProcess } from '../../engines/kafka-streams/processes.js';
import { isAlive } from '../../infra/local/identity.js';
import { waitFor } from '../../infra/local/index.js';
import type { FaultProxy } from './fault-proxy.js';
import { KILLED, TROUBLED, type Fault, type KillName } from './schedule.js';
import { killHard, recordOf, startServer } from './servers.js';
import { streamProcesses } from './job-processes.js';
import { startWorker, WORKERS, type WorkerName } from './worker-processes.js';
import type { World } from './world.js';

const LOST_SUBMIT_MS = 60_000;

export async function inflict(world: World, fault: Fault): Promise<void> {
  await delay(fault.atMs);
  switch (fault.name) {
    case 'streams-jvm-kill':
      return killStreams(world);
    case 'worker-pause':
      return pauseWorker(world, fault.forMs);
    case 'spark-lost-submit':
      return loseSubmits(world.doors.sparkRest, fault.forMs);
    case 'flink-lost-submit':
      return Promise.all([
        loseSubmits(world.doors.flink, fault.forMs),
        killAndRestart(world, 'flink-jobmanager-kill', 0),
      ]).then(() => undefined);
    case 'flink-answers':
    case 'spark-answers':
    case 'spark-page-answers': {
      const door = world.doors[TROUBLED[fault.name]];
      door.set(fault.mode);
      await delay(fault.forMs);
      return door.set({ kind: 'pass' });
    }
    case 'worker-kill':
    case 'host-worker-kill':
    case 'flink-jobmanager-kill':
    case 'flink-taskmanager-kill':
    case 'spark-master-kill':
    case 'spark-worker-kill':
      return killAndRestart(world, fault.name, fault.forMs);
  }
}

export function describeFault(fault: Fault): string {
  const mode = 'mode' in fault ? ` ${fault.mode.kind}${fault.mode.kind === 'delay' ? ` ${fault.mode.ms} ms` : ''}` : '';
  return `${fault.name}${mode} at ${(fault.atMs / 1000).toFixed(1)} s for ${(fault.forMs / 1000).toFixed(1)} s`;
}

async function killAndRestart(world: World, name: KillName, downMs: number): Promise<void> {
  const process = KILLED[name];
  if (!(await killHard(world.servers.home, process))) world.problems.push(`${process} had ended by itself`);
  await delay(downMs);
  if (process in WORKERS) await startWorker(world.servers.home, world.workerEnv, process as WorkerName);
  else await startServer(world.servers, process);
}

/** For the given time, and until one was lost; a stream comes back only when its loss is certain. */
async function loseSubmits(door: FaultProxy, forMs: number): Promise<void> {
  const before = door.counts.lostSubmissions;
  door.set({ kind: 'drop-submit' });
  await delay(forMs);
  await waitFor(async () => door.counts.lostSubmissions > before, LOST_SUBMIT_MS, 100);
  door.set({ kind: 'pass' });
}

/** Nobody restarts them but the product. */
async function killStreams({ servers }: World): Promise<void> {
  for (const { pid } of await streamProcesses(servers.home)) signalProcess(pid, 'SIGKILL');
}

/** A process that stands still and then goes on as if no time had passed. */
async function pauseWorker({ servers }: World, forMs: number): Promise<void> {
  const record = await recordOf(servers.home, 'chaos-worker');
  if (record === undefined) return;
  process.kill(record.pid, 'SIGSTOP');
  await delay(forMs);
  if (await isAlive(record)) process.kill(record.pid, 'SIGCONT');
}
