/** Whether an observation says something that is worth a write, and which of it can wait. */
import type { Observation } from '../engines/port.js';
import type { EngineJobRow } from '../infra/postgres/engine-jobs.js';

/** Mere progress is written at most this often per job. */
const PROGRESS_EVERY_MS = 10_000;
/** Figures that differ each time they are asked and say nothing. */
const NOISE = new Set(['uptimeMs']);

type Progress = Readonly<Record<string, string | number>>;

export function worthWriting(row: EngineJobRow, seen: Observation, nowMs: number): boolean {
  if (seen.state !== row.state || seen.nativeState !== row.native_state) return true;
  if (differs(row.restore_point, seen.restorePoint) || differs(row.restarts, seen.restarts)) return true;
  if (differs(row.link, seen.link)) return true;
  if (!seen.progress || canonical(seen.progress) === canonical(row.progress ?? {})) return false;
  return row.observed_at === null || nowMs - Date.parse(row.observed_at) >= PROGRESS_EVERY_MS;
}

/** What an observation leaves out is kept, so only what it names can differ. */
function differs<T>(before: T | null, after: T | undefined): boolean {
  return after !== undefined && after !== before;
}

/** The database gives keys back in its own order. */
function canonical(progress: Progress): string {
  const entries = Object.entries(progress).filter(([name]) => !NOISE.has(name));
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
