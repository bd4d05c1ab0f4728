/** Restart budget of a stream: n failures in a window, with a growing delay between them. */

export const withinWindow = (timesMs: readonly number[], nowMs: number, windowMs: number): number[] =>
  timesMs.filter((time) => nowMs - time < windowMs);

export const restartDelayMs = (restart: { backoffMs: number; maxBackoffMs: number }, failures: number): number =>
  Math.min(restart.backoffMs * 2 ** Math.max(0, failures - 1), restart.maxBackoffMs);
