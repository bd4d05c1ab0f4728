/** The real servers under test: a stack of their own, each process of which can be killed and started again by name. */
import { appendFile, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { signalProcess } from '../../engines/kafka-streams/processes.js';
import { stopHostJobs } from '../../engines/kafka-streams/stop-all.js';
import { COMPONENTS } from '../../infra/local/components/index.js';
import { ownSettings } from '../../infra/local/env.js';
import { isAlive } from '../../infra/local/identity.js';
import {
  buildJobs,
  cacheFolder,
  layout,
  listProcesses,
  logFile,
  requireJavaHome,
  startProcess,
  startStack,
  stopProcess,
  stopStack,
  waitFor,
  type ProcessRecord,
  type ProcessSpec,
  type Progress,
  type StackEnv,
} from '../../infra/local/index.js';
import { portsFrom, recordedBase } from '../../infra/local/ports.js';
import { readSecrets } from '../../infra/local/secrets.js';
import { projectRoot, stackHome } from '../../workers/deps.js';
import { driverProcesses } from './job-processes.js';

/** Far from the bases of a developer's stack and of the tests. */
const PORT_BASE = '21600';
const KILL_MS = 10_000;

export interface Servers {
  /** Folder that holds `.sluice`. */
  home: string;
  env: StackEnv;
  java: string;
  /** Processes of the stack's components by name, as the stack itself starts them. */
  specs: ReadonlyMap<string, ProcessSpec>;
}

/** Below the home of the developer's own stack, never that itself: it is wiped. */
export const chaosHome = (): string => join(layout(stackHome(process.env)).base, 'chaos');

/** Starts afresh: whatever an earlier call left behind is ended and deleted. */
export async function startServers(say: Progress): Promise<Servers> {
  const home = chaosHome();
  const runtime = join(projectRoot(), '.sluice', 'runtime');
  await mkdir(runtime, { recursive: true });
  await mkdir(layout(home).base, { recursive: true });
  await symlink(runtime, layout(home).runtime).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await stopServers(home, say, true);
  const env = await startStack({
    root: home,
    env: { ...ambient(), SLUICE_PORT_BASE: process.env['SLUICE_PORT_BASE'] ?? PORT_BASE },
    progress: say,
  });
  await buildJobs({ root: projectRoot(), cacheDir: cacheFolder(process.env), env: process.env, progress: say });
  const javaHome = await requireJavaHome(process.env);
  return { home, env, java: join(javaHome, 'bin', 'java'), specs: await processSpecs(home, javaHome, say) };
}

/** Ends everything that lives in this home, workers and stream processes first. */
export async function stopServers(home: string, say: Progress, wipe: boolean): Promise<void> {
  for (const { name } of (await listProcesses(home)).filter(({ name }) => name.startsWith('chaos-'))) {
    await stopProcess(home, name);
  }
  await stopHostJobs(layout(home).base, 5_000);
  await stopStack({ root: home, progress: say, wipe });
  // Drivers end with their worker, but one whose worker was killed may not have noticed.
  for (const { pid } of await driverProcesses(home)) signalProcess(pid, 'SIGKILL');
}

/** Settings of servers that run elsewhere would be used instead of our own; they are not ours to kill. */
function ambient(): NodeJS.ProcessEnv {
  const given = new Set(COMPONENTS.map(({ givenBy }) => givenBy));
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !given.has(name)));
}

async function processSpecs(home: string, javaHome: string, say: Progress): Promise<Map<string, ProcessSpec>> {
  const base = await recordedBase(home);
  const secrets = await readSecrets(home);
  if (base === undefined || secrets === undefined) throw new Error(`no stack is recorded in ${home}`);
  const ports = portsFrom(base);
  const env = ownSettings(home, ports, secrets);
  const specs = new Map<string, ProcessSpec>();
  for (const component of COMPONENTS.filter(({ name }) => name === 'flink' || name === 'spark')) {
    const folder = `${component.name}-${component.version}`;
    const context = {
      root: home,
      home: join(layout(home).runtime, folder),
      data: join(layout(home).data, component.name),
      ports,
      secrets,
      env,
      javaHome,
      progress: say,
    };
    for (const spec of await component.processes(context)) specs.set(spec.name, spec);
  }
  return specs;
}

export async function recordOf(home: string, name: string): Promise<ProcessRecord | undefined> {
  return (await listProcesses(home)).find((one) => one.name === name && one.running);
}

/** Kills a process as a power cut would, waits until it is gone, and keeps what it had logged; false when none ran. */
export async function killHard(home: string, name: string): Promise<boolean> {
  const record = await recordOf(home, name);
  if (record === undefined) return false;
  process.kill(record.pid, 'SIGKILL');
  if (!(await waitFor(async () => !(await isAlive(record)), KILL_MS, 50))) throw new Error(`${name} survives SIGKILL`);
  await keepLog(home, name);
  return true;
}

/** A new start empties the log; the old one is evidence. */
async function keepLog(home: string, name: string): Promise<void> {
  const folder = keptLogs(home);
  await mkdir(folder, { recursive: true });
  await appendFile(join(folder, `${name}.log`), await readFile(logFile(home, name)));
}

export const keptLogs = (home: string): string => join(layout(home).base, 'chaos-logs');

/** Everything a process has logged since the servers came up, over all its lives. */
export async function wholeLog(home: string, name: string): Promise<string> {
  const files = [join(keptLogs(home), `${name}.log`), logFile(home, name)];
  return (await Promise.all(files.map(async (file) => readFile(file, 'utf8').catch(() => '')))).join('');
}

/** Starts a server again as the stack does; the same port may take a moment to be free. */
export async function startServer({ home, specs }: Servers, name: string): Promise<void> {
  const spec = specs.get(name);
  if (spec === undefined) throw new Error(`no server ${name}: known are ${[...specs.keys()].join(', ')}`);
  await startProcess(home, spec);
}
