/** Processes of this host by more than their number: pid, start time and command line together, on Linux and macOS. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const hasProc = process.platform === 'linux';

export interface ProcessIdentity {
  pid: number;
  /** Compared as text only; on Linux it includes the boot, for pids and ticks begin anew with each. */
  startTime: string;
}

let bootId: Promise<string> | undefined;

/** Undefined when there is no such process, or only its remains (a zombie). */
export async function identityOf(pid: number): Promise<ProcessIdentity | undefined> {
  const startTime = hasProc ? await procStart(pid) : await psField(pid, 'lstart');
  return startTime === undefined ? undefined : { pid, startTime };
}

export async function isSameProcess(known: ProcessIdentity): Promise<boolean> {
  return (await identityOf(known.pid))?.startTime === known.startTime;
}

/** The arguments of a process; undefined when it is gone or not ours to see. */
export async function commandLine(pid: number): Promise<string | undefined> {
  if (!hasProc) return psField(pid, 'command');
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text === '' ? undefined : text.replaceAll('\0', ' ');
}

/** Pids whose command line contains all given words; used only when a start was interrupted before its pid was kept. */
export async function findByCommandLine(words: readonly string[]): Promise<number[]> {
  const all = hasProc ? await procCommands() : await psCommands();
  return all.filter(({ command }) => words.every((word) => command.includes(word))).map(({ pid }) => pid);
}

/** Sends a signal; a process that is gone already needs none. A negative pid means the group. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function procStart(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  // The name in brackets may itself hold brackets and blanks: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const startTicks = fields[19];
  if (state === 'Z' || state === 'X' || startTicks === undefined) return undefined;
  bootId ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then((text) => text.trim());
  return `${await bootId}:${startTicks}`;
}

async function psField(pid: number, field: 'lstart' | 'command'): Promise<string | undefined> {
  try {
    const { stdout } = await run('ps', ['-ww', '-o', 'stat=', '-o', `${field}=`, '-p', String(pid)], {
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    });
    const match = /^(\S+)\s+([\s\S]*?)\s*$/.exec(stdout.trim());
    return match === null || match[1]?.startsWith('Z') ? undefined : match[2];
  } catch {
    return undefined;
  }
}

async function procCommands(): Promise<{ pid: number; command: string }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const commands = await Promise.all(pids.map(async (pid) => ({ pid, command: (await commandLine(pid)) ?? '' })));
  return commands.filter(({ command }) => command !== '');
}

async function psCommands(): Promise<{ pid: number; command: string }[]> {
  const { stdout } = await run('ps', ['-axww', '-o', 'pid=', '-o', 'command='], { maxBuffer: 64 * 1024 * 1024 });
  return stdout.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(.*)$/.exec(line);
    return match?.[1] === undefined ? [] : [{ pid: Number(match[1]), command: match[2] ?? '' }];
  });
}
