/** Background processes of one clone: started detached, known by pid file and start time, and ended by nobody else. */
import { spawn } from 'node:child_process';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../errors.js';
import { groupMembers, isAlive, processIdentity, type ProcessIdentity } from './identity.js';
import { layout } from './layout.js';
import { writePrivate } from './secrets.js';
import { tail } from './tail.js';
import type { ProcessSpec } from './types.js';
import { accepts, waitFor } from './wait.js';

/** What a pid file says. */
export interface ProcessRecord extends ProcessIdentity {
  name: string;
  command: string[];
  ports: number[];
  startedAt: string;
  stopSignal: 'SIGTERM' | 'SIGINT';
  stopTimeoutMs: number;
}

export interface ListedProcess extends ProcessRecord {
  running: boolean;
}

const DEFAULT_READY_MS = 60_000;
const DEFAULT_STOP_MS = 20_000;
const KILL_MS = 10_000;

/** Settings every background process gets, whatever the caller's environment holds. */
function baseEnv(): Record<string, string> {
  const kept = ['PATH', 'HOME', 'USER', 'TMPDIR'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { LANG: 'C.UTF-8', TZ: 'UTC', ...Object.fromEntries(kept) };
}

/** Starts a process unless the clone's own one already runs, and waits until it is ready. */
export async function startProcess(root: string, spec: ProcessSpec): Promise<ProcessRecord & { reused: boolean }> {
  const running = await runningRecord(root, spec.name);
  const record = running ?? (await launch(root, spec));
  await untilReady(root, spec, record);
  return { ...record, reused: running !== undefined };
}

/** Ends a process that this clone started and waits until it and its ports are gone; true when there was one. */
export async function stopProcess(root: string, name: string): Promise<boolean> {
  const record = await readRecord(root, name);
  if (record === undefined) return false;
  const alive = await isAlive(record);
  if (alive) await end(record);
  await rm(pidFile(root, name), { force: true });
  return alive;
}

/** All processes with a pid file, oldest first. */
export async function listProcesses(root: string): Promise<ListedProcess[]> {
  const files = await readdir(layout(root).pids).catch(() => []);
  const names = files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length));
  const records = await Promise.all(names.map(async (name) => readRecord(root, name)));
  const listed = await Promise.all(
    records
      .filter((record) => record !== undefined)
      .map(async (record) => ({ ...record, running: await isAlive(record) })),
  );
  return listed.sort((a, b) => a.startedAt.localeCompare(b.startedAt));
}

async function launch(root: string, spec: ProcessSpec): Promise<ProcessRecord> {
  const log = await freshLog(root, spec.name);
  try {
    const child = spawn(spec.command, spec.args, {
      cwd: spec.cwd ?? root,
      env: { ...baseEnv(), ...spec.env },
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      ...(spec.uid === undefined ? {} : { uid: spec.uid, gid: spec.gid }),
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) => {
        reject(new SluiceError('LOCAL_STACK', `${spec.name} cannot be started: ${cause.message}`, { cause }));
      });
    });
    child.unref();
    const pid = child.pid ?? 0;
    const record: ProcessRecord = {
      name: spec.name,
      pid,
      startTime: (await processIdentity(pid)) ?? '',
      command: [spec.command, ...spec.args],
      ports: [...(spec.ports ?? [])],
      startedAt: new Date().toISOString(),
      stopSignal: spec.stopSignal ?? 'SIGTERM',
      stopTimeoutMs: spec.stopTimeoutMs ?? DEFAULT_STOP_MS,
    };
    await writePrivate(pidFile(root, spec.name), `${JSON.stringify(record, null, 2)}\n`);
    return record;
  } finally {
    await log.close();
  }
}

async function untilReady(root: string, spec: ProcessSpec, record: ProcessRecord): Promise<void> {
  const limit = spec.readyTimeoutMs ?? DEFAULT_READY_MS;
  let gone = false;
  const ready = await waitFor(async () => {
    gone = !(await isAlive(record));
    return gone || (spec.ready === undefined ? true : spec.ready());
  }, limit);
  if (ready && !gone) return;
  const log = logFile(root, spec.name);
  const what = gone ? 'ended right after its start' : `was not ready after ${Math.round(limit / 1000)} s`;
  throw new SluiceError('LOCAL_STACK', `${spec.name} ${what}; the end of ${log}:\n${await tail(log)}`);
}

/** Asks a process and its group to end, then insists, and waits until its ports are closed. */
async function end(record: ProcessRecord): Promise<void> {
  const members = await groupMembers(record.pid);
  signal(record.pid, record.stopSignal);
  if (!(await waitFor(async () => !(await isAlive(record)), record.stopTimeoutMs, 50))) {
    if (await isAlive(record)) signal(record.pid, 'SIGKILL');
    await waitFor(async () => !(await isAlive(record)), KILL_MS, 50);
  }
  const children = members.filter((member) => member.pid !== record.pid);
  await waitFor(async () => (await living(children)).length === 0, 3_000, 50);
  for (const member of await living(children)) signal(member.pid, 'SIGKILL');
  const quiet = async (): Promise<boolean> => {
    const open = await Promise.all(record.ports.map(accepts));
    return !open.includes(true) && (await living([record, ...children])).length === 0;
  };
  if (!(await waitFor(quiet, KILL_MS, 50))) {
    throw new SluiceError(
      'LOCAL_STACK',
      `${record.name} (process ${record.pid}) does not end, or a port of it stays open.`,
    );
  }
}

async function living(identities: readonly ProcessIdentity[]): Promise<ProcessIdentity[]> {
  const alive = await Promise.all(identities.map(isAlive));
  return identities.filter((_, index) => alive[index] === true);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function runningRecord(root: string, name: string): Promise<ProcessRecord | undefined> {
  const record = await readRecord(root, name);
  return record !== undefined && (await isAlive(record)) ? record : undefined;
}

async function readRecord(root: string, name: string): Promise<ProcessRecord | undefined> {
  const text = await readFile(pidFile(root, name), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as ProcessRecord);
}

/** Opens an empty log and keeps the one before it as `.log.1`. */
async function freshLog(root: string, name: string): Promise<Awaited<ReturnType<typeof open>>> {
  const file = logFile(root, name);
  await mkdir(layout(root).logs, { recursive: true });
  if (await stat(file).catch(() => undefined)) await rename(file, `${file}.1`);
  return open(file, 'a');
}

function pidFile(root: string, name: string): string {
  return join(layout(root).pids, `${name}.json`);
}

export function logFile(root: string, name: string): string {
  return join(layout(root).logs, `${name}.log`);
}
