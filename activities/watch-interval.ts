/** How long a watcher waits: fast while a job is young, slower when all are old, jittered, backing off when nobody answers. */

const YOUNG_MS = 2 * 60_000;
const OLD_FACTOR = 5;
const MAX_BACKOFF_MS = 30_000;

/** `baseMs` is the interval while jobs are young; `jitter` is a random number in [0, 1). */
export function nextIntervalMs(baseMs: number, youngestAgeMs: number, failures: number, jitter: number): number {
  const calm = youngestAgeMs < YOUNG_MS ? baseMs : baseMs * OLD_FACTOR;
  const wait = failures === 0 ? calm : Math.min(calm * 2 ** failures, MAX_BACKOFF_MS);
  return Math.round(wait * (0.9 + 0.2 * jitter));
}
