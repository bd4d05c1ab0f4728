/** "Not found" becomes `lost` only after repeated answers of a live engine over a grace time. */
import type { Observation } from '../engines/port.js';

const GRACE_MS = 15_000;
const ANSWERS = 3;

export class MissingJobs {
  readonly #since = new Map<string, { firstMs: number; answers: number }>();

  judge(key: string, seen: Observation, nowMs: number): Observation {
    if (seen.state !== 'unknown' || seen.nativeState !== 'NOT_FOUND') {
      this.#since.delete(key);
      return seen;
    }
    const known = this.#since.get(key) ?? { firstMs: nowMs, answers: 0 };
    known.answers += 1;
    this.#since.set(key, known);
    if (known.answers < ANSWERS || nowMs - known.firstMs < GRACE_MS) return seen;
    this.#since.delete(key);
    const seconds = Math.round((nowMs - known.firstMs) / 1000);
    return {
      ...seen,
      state: 'lost',
      blame: 'platform',
      reason: `the engine answered ${known.answers} times in ${seconds} s that it does not know the job`,
    };
  }
}
