/** Changes the states of simulated jobs at a steady rate or all at once, and remembers when each change happened. */
import type { JobStateName } from '../../workflows/contracts/plans.js';
import { sleep } from './measures.js';
import type { JobWord, SimulatedClusters } from './simulated-clusters.js';
import type { WatchedJob } from './watched-jobs.js';

export type Phase = 'young' | 'old' | 'burst' | 'outage';

export interface Change {
  job: WatchedJob;
  state: JobStateName;
  atMs: number;
  phase: Phase;
}

const STATES: Record<JobWord, JobStateName> = {
  running: 'running',
  restarting: 'restarting',
  finished: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
};
const TICK_MS = 200;
/** Going back and forth is told of once a minute by design, so a job that restarts stays so for longer than that. */
const RESTARTS_FOR_MS = 100_000;
const ENDS: readonly JobWord[] = ['finished', 'failed', 'cancelled'];
/** Every so many-th change is an end. */
const END_EVERY = 12;

export class ChangeDriver {
  readonly changes: Change[] = [];
  readonly #clusters: SimulatedClusters;
  /** Not touched yet, in random order. */
  readonly #fresh: WatchedJob[];
  /** Of the untouched, those that may succeed. */
  readonly #provable: WatchedJob[];
  readonly #restarting: { job: WatchedJob; sinceMs: number }[] = [];
  #count = 0;
  #ends = 0;

  constructor(clusters: SimulatedClusters, fresh: readonly WatchedJob[], provable: readonly WatchedJob[]) {
    this.#clusters = clusters;
    this.#fresh = [...fresh];
    this.#provable = [...provable];
  }

  /** Until `untilMs`, so many changes per second, evenly. */
  async steady(perSecond: number, untilMs: number, phaseAt: (nowMs: number) => Phase): Promise<void> {
    const startedMs = Date.now();
    for (let done = 0; Date.now() < untilMs;) {
      const due = Math.floor(((Date.now() - startedMs) / 1_000) * perSecond);
      await this.#apply(due - done, phaseAt(Date.now()), END_EVERY);
      done = due;
      await sleep(TICK_MS);
    }
  }

  /** So many jobs at one moment, four in ten of them ending; returns when. */
  async burst(count: number): Promise<number> {
    return this.#apply(count, 'burst', 2.5);
  }

  /** One job, whose signal is meant to be lost. */
  async single(job: WatchedJob): Promise<number> {
    return this.#send([{ job, to: 'restarting' }], 'young');
  }

  async #apply(count: number, phase: Phase, endEvery: number): Promise<number> {
    const chosen: { job: WatchedJob; to: JobWord }[] = [];
    const now = Date.now();
    for (let index = 0; index < count; index += 1) {
      this.#count += 1;
      const next = this.#next(Math.floor(this.#count / endEvery) !== Math.floor((this.#count - 1) / endEvery), now);
      if (next) chosen.push(next);
    }
    return chosen.length === 0 ? now : this.#send(chosen, phase);
  }

  #next(ends: boolean, nowMs: number): { job: WatchedJob; to: JobWord } | undefined {
    if (ends) {
      const word = ENDS[this.#ends++ % ENDS.length] ?? 'failed';
      const job = word === 'finished' ? this.#provable.pop() : this.#fresh.pop();
      return job && { job, to: word };
    }
    const back = this.#restarting[0];
    if (back && this.#count % 2 === 0 && nowMs - back.sinceMs > RESTARTS_FOR_MS) {
      this.#restarting.shift();
      return { job: back.job, to: 'running' };
    }
    const job = this.#fresh.pop();
    if (job) this.#restarting.push({ job, sinceMs: nowMs });
    return job && { job, to: 'restarting' };
  }

  async #send(chosen: readonly { job: WatchedJob; to: JobWord }[], phase: Phase): Promise<number> {
    const atMs = await this.#clusters.change(chosen.map(({ job, to }) => ({ key: job.key, to })));
    for (const { job, to } of chosen) this.changes.push({ job, state: STATES[to], atMs, phase });
    return atMs;
  }
}
