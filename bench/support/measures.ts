/** What a benchmark measures with: percentiles, memory and processor time of processes, and targets that say whether they are met. */
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';

export interface Target {
  metric: string;
  op: '<=' | '>=';
  limit: number;
  value: number;
  ok: boolean;
}

/** One line about the machine, so that figures of two machines are not compared by accident. */
export const machine = (): string =>
  `${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;

/** NaN without values, which meets no target. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits));

export const atMost = (metric: string, limit: number, value: number): Target => ({
  metric,
  op: '<=',
  limit,
  value: rounded(value, 3),
  ok: value <= limit,
});

/** Resident memory of a process in bytes; 0 when it is gone. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** Seconds of processor time that a process has used; 0 when it is gone. */
export async function processorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name in parentheses may hold blanks; user and system time are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  return ticks / TICKS_PER_SECOND;
}

/** Linux gives processor time in these to every program, whatever its kernel counts in. */
const TICKS_PER_SECOND = 100;

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

/** Asks until it is true, and throws after the time. */
export async function eventually(what: string, withinMs: number, probe: () => Promise<boolean>): Promise<void> {
  for (const giveUpAt = Date.now() + withinMs; !(await probe()); await sleep(250)) {
    if (Date.now() > giveUpAt) throw new Error(`${what}: not within ${withinMs / 1_000} s`);
  }
}

/** False once the process has ended and its parent knows. */
export function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
