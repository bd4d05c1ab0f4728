/** Tells one process from another that later got the same number, by its start time. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A process number together with the start time that makes it unique. */
export interface ProcessIdentity {
  pid: number;
  startTime: string;
}

interface Stat {
  state: string;
  group: number;
  startTime: string;
}

let bootId: Promise<string> | undefined;

/** The start time of a living process; undefined when there is none, or only its remains (a zombie). */
export async function processIdentity(pid: number): Promise<string | undefined> {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const stat = process.platform === 'linux' ? await linuxStat(pid) : await psStat(pid);
  return stat === undefined || stat.state.startsWith('Z') ? undefined : stat.startTime;
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await processIdentity(identity.pid)) === identity.startTime;
}

export async function ownIdentity(): Promise<ProcessIdentity> {
  return { pid: process.pid, startTime: (await processIdentity(process.pid)) ?? '' };
}

/** All living members of a process group, the leader included. */
export async function groupMembers(group: number): Promise<ProcessIdentity[]> {
  if (process.platform !== 'linux') return psGroup(group);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const stats = await Promise.all(pids.map(async (pid) => ({ pid, stat: await linuxStat(pid) })));
  return stats.flatMap(({ pid, stat }) =>
    stat !== undefined && stat.group === group && stat.state !== 'Z' ? [{ pid, startTime: stat.startTime }] : [],
  );
}

async function linuxStat(pid: number): Promise<Stat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // The second field is the command in parentheses and may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  bootId ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (id) => id.trim().slice(0, 8),
    () => 'boot',
  );
  return { state: fields[0] ?? 'Z', group: Number(fields[2]), startTime: `${await bootId}:${fields[19] ?? ''}` };
}

async function psStat(pid: number): Promise<Stat | undefined> {
  const { stdout } = await run('ps', ['-o', 'stat=,pgid=,lstart=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  const match = /^\s*(\S+)\s+(\d+)\s+(.+?)\s*$/.exec(stdout);
  return match === null ? undefined : { state: match[1] ?? '', group: Number(match[2]), startTime: match[3] ?? '' };
}

async function psGroup(group: number): Promise<ProcessIdentity[]> {
  const { stdout } = await run('ps', ['-axo', 'pid=,pgid=,stat=,lstart=']).catch(() => ({ stdout: '' }));
  return stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line);
    if (match === null || Number(match[2]) !== group || match[3]?.startsWith('Z')) return [];
    return [{ pid: Number(match[1]), startTime: match[4] ?? '' }];
  });
}
