/** Whose checkpoints are read in this interval: a few running jobs in turn, so that a list stays cheap however long it is. */

const PER_INTERVAL = 2;
const YOUNG_MS = 2 * 60_000;
const YOUNG_EVERY_MS = 10_000;
const OLD_EVERY_MS = 30_000;

export class DetailTurns {
  readonly #askedMs = new Map<string, number>();

  /** The keys to ask now, those first that have waited longest; they count as asked. */
  next(jobs: readonly { key: string; startedMs: number }[], nowMs: number): string[] {
    const askedMs = (key: string): number => this.#askedMs.get(key) ?? Number.NEGATIVE_INFINITY;
    const everyMs = (startedMs: number): number => (nowMs - startedMs < YOUNG_MS ? YOUNG_EVERY_MS : OLD_EVERY_MS);
    const chosen = jobs
      .filter(({ key, startedMs }) => nowMs - askedMs(key) >= everyMs(startedMs))
      .sort((a, b) => askedMs(a.key) - askedMs(b.key) || 0)
      .slice(0, PER_INTERVAL)
      .map(({ key }) => key);
    for (const key of chosen) this.#askedMs.set(key, nowMs);
    return chosen;
  }

  keepOnly(wanted: ReadonlySet<string>): void {
    for (const key of this.#askedMs.keys()) if (!wanted.has(key)) this.#askedMs.delete(key);
  }
}
