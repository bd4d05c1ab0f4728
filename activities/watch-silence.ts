/** How long nobody has said anything usable about a job, and when its owner is to be told of it: once. */
import type { Observation } from '../engines/port.js';
import type { EngineJobRow } from '../infra/postgres/engine-jobs.js';

/** The state of a job about which the engine has said nothing usable for longer than the job allows. */
export const UNREACHABLE = 'UNREACHABLE';

/** "I do not know it" is an answer; a state without a meaning, or none at all, is not. */
const isAnswer = (seen: Observation | undefined): boolean =>
  seen !== undefined && (seen.state !== 'unknown' || seen.nativeState === 'NOT_FOUND');

/** Remembers across the passes of one process; a new process begins to count anew, except for a cluster that is away. */
export class Silence {
  readonly #since = new Map<string, number>();

  /** Takes the answers of one interval; `awaySinceMs` is set while the whole cluster gives none. */
  note(
    rows: readonly EngineJobRow[],
    seen: ReadonlyMap<string, Observation>,
    awaySinceMs: number | undefined,
    nowMs: number,
  ): void {
    const open = new Set(rows.map(({ key }) => key));
    for (const key of this.#since.keys()) if (!open.has(key)) this.#since.delete(key);
    for (const { key } of rows) {
      if (isAnswer(seen.get(key))) this.#since.delete(key);
      else this.#since.set(key, Math.min(this.#since.get(key) ?? nowMs, awaySinceMs ?? nowMs));
    }
  }

  /** What is to be stored for a job whose own limit has passed, unless that has been done. */
  overdue(row: EngineJobRow, nowMs: number): Observation | undefined {
    const sinceMs = this.#since.get(row.key);
    const { statusTimeoutMs } = row.spec as { statusTimeoutMs?: number };
    if (sinceMs === undefined || statusTimeoutMs === undefined || row.native_state === UNREACHABLE) return undefined;
    if (nowMs - sinceMs < statusTimeoutMs) return undefined;
    const reason = `status unknown since ${new Date(sinceMs).toISOString()}`;
    return { key: row.key, state: 'unknown', nativeState: UNREACHABLE, reason };
  }
}
