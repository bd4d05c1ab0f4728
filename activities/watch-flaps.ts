/** A job that goes back and forth between running and restarting is told of at most once a minute, with a count. */
import type { JobState } from '../engines/job-state.js';

const AT_MOST_EVERY_MS = 60_000;

const isFlap = (state: string): boolean => state === 'running' || state === 'restarting';

export class Flaps {
  readonly #jobs = new Map<string, { toldAtMs: number; changes: number }>();

  /** Called for every change of a job's state; any other change is told at once. */
  note(key: string, before: string, after: JobState): void {
    if (isFlap(before) && isFlap(after)) {
      const known = this.#jobs.get(key) ?? { toldAtMs: 0, changes: 0 };
      this.#jobs.set(key, { ...known, changes: known.changes + 1 });
    } else {
      this.#jobs.delete(key);
    }
  }

  /** Whether the news of this job waits for its minute to pass. */
  holdsBack(key: string, nowMs: number): boolean {
    const known = this.#jobs.get(key);
    return known !== undefined && known.changes > 0 && nowMs - known.toldAtMs < AT_MOST_EVERY_MS;
  }

  /** How often it changed since it was told last, this change included. */
  told(key: string, nowMs: number): number {
    const known = this.#jobs.get(key);
    if (known === undefined) return 1;
    this.#jobs.set(key, { toldAtMs: nowMs, changes: 0 });
    return Math.max(1, known.changes);
  }

  keepOnly(keys: ReadonlySet<string>): void {
    for (const key of this.#jobs.keys()) if (!keys.has(key)) this.#jobs.delete(key);
  }
}
