/** An engine in memory with switches for every fault; several adapters may share one cluster, as workers share a real one. */
import { isTerminal } from '../../engines/job-state.js';
import type { JobState } from '../../engines/job-state.js';
import type { EngineName, EnginePort, JobHandle, JobSpec, Observation, TaggedJob } from '../../engines/port.js';
import { keyOfTag } from '../../engines/tags.js';
import { SluiceError } from '../../infra/errors.js';

export interface FakeJob {
  spec: JobSpec;
  observation: Observation;
  log: string;
}

export interface FakeClusterOptions {
  /** What a job does right after it was accepted; default `running`. With `succeeded` the engine is instant. */
  initialState?: JobState;
  /** Called with each accepted job, e.g. to write its output. */
  onAccepted?: (job: FakeJob) => void | Promise<void>;
}

/** The cluster: what it has, what it was asked, and the faults it shows. */
export class FakeCluster {
  readonly jobs = new Map<string, FakeJob>();
  /** Submissions accepted by key; anything above 1 is a twin. */
  readonly accepted = new Map<string, number>();
  requests = 0;
  away = false;
  /** How many answers to submit are lost after the job was accepted. */
  lostSubmitAnswers = 0;
  /** How many submissions are only accepted some milliseconds after their caller was told that nobody answers. */
  lateSubmits = 0;
  /** Cancels that never take effect. */
  ignoresCancel = false;

  constructor(readonly options: FakeClusterOptions = {}) {}

  set(key: string, state: JobState, more: Partial<Observation> = {}): void {
    const job = this.#job(key);
    job.observation = { ...job.observation, nativeState: state.toUpperCase(), ...more, state };
  }

  succeed(key: string): void {
    this.set(key, 'succeeded');
  }

  fail(key: string, reason: string, more: Partial<Observation> = {}): void {
    this.set(key, 'failed', { reason, blame: 'user', ...more });
    this.#job(key).log += `${reason}\n`;
  }

  /** The engine loses its memory of a job, as after a restart. */
  forget(key: string): void {
    this.jobs.delete(key);
  }

  /** Throws as an adapter does when the cluster is away; counts the request otherwise. */
  answer(): void {
    this.requests += 1;
    if (this.away) throw new SluiceError('ENGINE_UNREACHABLE', 'the fake cluster is away');
  }

  #job(key: string): FakeJob {
    const job = this.jobs.get(key);
    if (job === undefined) throw new Error(`the fake cluster has no job ${key}`);
    return job;
  }
}

const LATE_MS = 50;

export interface FakeEngineOptions {
  name?: EngineName;
  clusterName?: string;
}

export function createFakeEngine(cluster: FakeCluster, options: FakeEngineOptions = {}): EnginePort {
  const known = (key: string): Observation | undefined => cluster.jobs.get(key)?.observation;
  const notFound = (key: string): Observation => ({ key, state: 'unknown', nativeState: 'NOT_FOUND' });

  /** Takes a job once: a key that it has is answered from what it has, as Flink refuses a twin. */
  async function accept(spec: JobSpec, key: string): Promise<FakeJob> {
    const there = cluster.jobs.get(key);
    if (there !== undefined) return there;
    const state = cluster.options.initialState ?? 'running';
    const job: FakeJob = {
      spec,
      log: `accepted ${spec.name}\n`,
      observation: {
        key,
        state,
        nativeState: state.toUpperCase(),
        engineJobId: `fake-${key}`,
        link: `http://127.0.0.1/fake/${key}`,
      },
    };
    cluster.jobs.set(key, job);
    cluster.accepted.set(key, (cluster.accepted.get(key) ?? 0) + 1);
    await cluster.options.onAccepted?.(job);
    return job;
  }

  return {
    name: options.name ?? 'flink',
    cluster: options.clusterName ?? 'fake',
    capabilities: { callerChosenId: true, savepoints: true, batch: true },

    async submit(spec: JobSpec, key: string) {
      cluster.answer();
      const there = known(key);
      if (there !== undefined) return there;
      if (cluster.lateSubmits > 0) {
        cluster.lateSubmits -= 1;
        setTimeout(() => void accept(spec, key), LATE_MS);
        throw new SluiceError('ENGINE_UNREACHABLE', 'the fake cluster does not answer in time');
      }
      const job = await accept(spec, key);
      if (cluster.lostSubmitAnswers > 0) {
        cluster.lostSubmitAnswers -= 1;
        throw new SluiceError('ENGINE_UNREACHABLE', 'the fake cluster lost its answer');
      }
      return job.observation;
    },

    async find({ key }: JobHandle) {
      cluster.answer();
      return known(key);
    },

    async observe({ key }: JobHandle) {
      cluster.answer();
      return known(key) ?? notFound(key);
    },

    async observeAll(handles) {
      cluster.answer();
      return new Map(handles.map(({ key }) => [key, known(key) ?? notFound(key)]));
    },

    async cancel({ key }: JobHandle) {
      cluster.answer();
      const seen = known(key);
      if (seen === undefined || isTerminal(seen.state)) return seen ?? notFound(key);
      cluster.set(key, cluster.ignoresCancel ? 'stopping' : 'cancelled', { reason: 'cancelled on request' });
      return known(key) ?? notFound(key);
    },

    async tagged(installation) {
      cluster.answer();
      return [...cluster.jobs.values()].flatMap(({ spec, observation }): TaggedJob[] => {
        const key = keyOfTag(spec.tag, installation);
        const { state, nativeState, engineJobId } = observation;
        return key === undefined || isTerminal(state)
          ? []
          : [{ key, engineJobId: engineJobId ?? key, state, nativeState }];
      });
    },

    async stopWithSavepoint({ key }: JobHandle, triggerId: string) {
      cluster.answer();
      const seen = known(key);
      if (seen === undefined || isTerminal(seen.state)) return seen ?? notFound(key);
      const restorePoint = `fake://savepoints/${triggerId}`;
      cluster.set(key, 'succeeded', { restorePoint, reason: `stopped with a savepoint at ${restorePoint}` });
      return known(key) ?? notFound(key);
    },

    async logs({ key }, maxBytes) {
      cluster.answer();
      return (cluster.jobs.get(key)?.log ?? '').slice(-maxBytes);
    },

    async ping() {
      cluster.answer();
      return { version: 'fake' };
    },
  };
}
