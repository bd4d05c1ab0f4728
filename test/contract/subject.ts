/** What the engine contract needs of an engine under test: how to reach it, jobs of every kind, and ways to hurt it. */
import type { EnginePort, JobSpec } from '../../engines/port.js';

/** What may be missing of a subject says why, and the case is skipped with that word. */
export type Without = { readonly none: string };
export type Maybe<T> = T | Without;

export interface EngineContractSubject {
  name: string;
  start?(): Promise<void>;
  stop?(): Promise<void>;
  /** A new adapter on the same cluster, as another worker would have it. */
  engine(): EnginePort;
  /** A job that runs until it is cancelled. */
  longJob(key: string): JobSpec;
  /** A job that fails by its own fault. */
  failingJob(key: string): JobSpec;
  /** What must be in the log of the failing job; missing when it fails before the engine has a job that could have a log. */
  failureInLog?: RegExp;
  /** A job that starts and then fails by its own fault. */
  failingLater?(key: string): JobSpec;
  /** A job that ends well by itself; only for engines with batch jobs. */
  shortJob?(key: string): JobSpec;
  /** How many jobs of this key the engine has ever taken, as seen by asking the engine itself. */
  jobsOf(key: string): Promise<number>;
  /** An adapter on the same cluster whose first answer to a submission is lost after the engine took it. */
  engineLosingItsAnswer?(): Promise<{ engine: EnginePort; close(): Promise<void> }>;
  /** An adapter whose submission request times out, while the engine takes it `lateMs` after it was sent. */
  slowEngine: Maybe<() => Promise<{ engine: EnginePort; close(): Promise<void> }>>;
  /** Submits from two processes at the same moment, as two workers would, until both have an outcome. */
  submitFromTwoProcesses: Maybe<(spec: JobSpec, key: string) => Promise<void>>;
  /** An adapter on the same cluster behind a door: while it is shut, nobody answers. */
  engineBehindDoor: Maybe<() => Promise<{ engine: EnginePort; shut(away: boolean): void; close(): Promise<void> }>>;
  /** The engine loses its memory of all jobs, as after a restart without storage. */
  restart: Maybe<() => Promise<void>>;
  /** Ends a running job as a lost machine would. */
  failByPlatform: Maybe<(key: string) => Promise<void>>;
  /** Ends a running job through the engine itself, not through us. */
  killByHand: (key: string, engineJobId: string) => Promise<void>;
  /** A job that needs more memory than it has, and the engine to submit it to. */
  hungryJob: Maybe<(key: string) => { spec: JobSpec; engine: EnginePort }>;
  /** A job that asks for more than the cluster has. */
  greedyJob: Maybe<(key: string) => JobSpec>;
  /** An adapter on a cluster that does not answer. */
  engineAway(): Promise<EnginePort>;
  /** Limit for one job to reach a state. */
  limitMs: number;
  /** How long the door stays shut. */
  awayMs: number;
}
