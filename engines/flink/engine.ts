/** Flink session clusters over REST: our submission key is Flink's own job id, so a job is always found by asking for its key. */
import { isSluiceError, SluiceError } from '../../infra/errors.js';
import { createHttpClient } from '../../infra/http/client.js';
import type { HttpAnswer } from '../../infra/http/client.js';
import type { JarCatalog } from '../artifacts.js';
import { classifyFailure } from '../failure-text.js';
import type { FailureVerdict } from '../failure-text.js';
import { isTerminal } from '../job-state.js';
import type { ObjectStore } from '../object-store.js';
import type { EnginePort, JobHandle, JobSpec, Observation } from '../port.js';
import { createProofReader } from '../proof.js';
import { waitFor } from '../waiting.js';
import { createFlinkClient } from './client.js';
import type { FlinkJob, FlinkJobListEntry } from './client.js';
import { flinkState, waitsForTasks } from './native-states.js';
import type { TaskCounts } from './native-states.js';
import { refusalOf } from './submission.js';

export interface FlinkEngineConfig {
  cluster: string;
  restUrl: string;
  /** Limit for one ordinary request. Default 10 s. */
  timeoutMs?: number;
  /** Limit for upload and run: the job's main method runs inside the request. Default 90 s. */
  submitTimeoutMs?: number;
  /** How long a submission without a clear answer is looked for before the call gives up. Default 30 s. */
  resolveMs?: number;
  /** How long a refused submission is looked for: Flink refuses a twin a moment before it shows the first one. Default 5 s. */
  refusedMs?: number;
  /** How long cancel waits for the end. Default 60 s. */
  cancelMs?: number;
  /** Pause between two looks. Default 500 ms. */
  lookMs?: number;
}

export interface FlinkEngineDeps {
  jars: JarCatalog;
  objects?: ObjectStore;
}

export function createFlinkEngine(config: FlinkEngineConfig, deps: FlinkEngineDeps): EnginePort {
  const http = createHttpClient({
    baseUrl: config.restUrl,
    name: `Flink ${config.cluster}`,
    timeoutMs: config.timeoutMs ?? 10_000,
  });
  const client = createFlinkClient(http, { submitTimeoutMs: config.submitTimeoutMs ?? 90_000 });
  const proof = createProofReader(deps.objects);
  const lookMs = config.lookMs ?? 500;
  /** Jobs seen with a running task by this process, so that a job without tasks is told apart from one that never began. */
  const seenRunning = new Set<string>();
  /** What was read of ended jobs, so that a list does not ask again for what cannot change. */
  const ended = new Map<string, Observation>();

  const linkOf = (id: string) => `${http.baseUrl}/#/job/${id}/overview`;

  function base(key: string, nativeState: string, tasks: TaskCounts | undefined): Observation {
    const state = flinkState(nativeState, tasks, seenRunning.has(key));
    if (state === 'running') seenRunning.add(key);
    const waiting = tasks !== undefined && waitsForTasks(tasks) && !isTerminal(state);
    return {
      key,
      state,
      nativeState,
      engineJobId: key,
      link: linkOf(key),
      ...(waiting ? { reason: `0 of ${tasks['total'] ?? 0} tasks run: waiting for slots` } : {}),
    };
  }

  /** Reason, blame, checkpoints and restarts of one job; a job that vanished in between keeps what is known. */
  async function withDetails(seen: Observation, signal?: AbortSignal): Promise<Observation> {
    const [checkpoints, restarts] = await Promise.all([
      client.checkpoints(seen.key, signal),
      isTerminal(seen.state) ? undefined : client.restarts(seen.key, signal),
    ]);
    const newest = [checkpoints?.latest.completed, checkpoints?.latest.savepoint]
      .filter((snapshot) => typeof snapshot?.external_path === 'string' && snapshot.external_path !== '')
      .sort((a, b) => (b?.id ?? 0) - (a?.id ?? 0))[0];
    return {
      ...seen,
      ...(await whyOf(seen, restarts ?? 0, signal)),
      ...(restarts === undefined ? {} : { restarts }),
      ...(newest?.external_path ? { restorePoint: newest.external_path } : {}),
      ...(checkpoints === undefined
        ? {}
        : { progress: { checkpoints: checkpoints.counts.completed, failedCheckpoints: checkpoints.counts.failed } }),
    };
  }

  async function whyOf(seen: Observation, restarts: number, signal?: AbortSignal): Promise<Partial<Observation>> {
    if (seen.state === 'cancelled') return { reason: 'cancelled at Flink' };
    if (seen.state !== 'failed' && restarts === 0) return {};
    const failure = await failureOf(seen.key, signal);
    if (seen.state === 'failed') return failure ?? { reason: 'failed; Flink names no exception', blame: 'platform' };
    return failure === undefined || seen.reason !== undefined ? {} : { reason: `last restart: ${failure.reason}` };
  }

  async function failureOf(key: string, signal?: AbortSignal): Promise<FailureVerdict | undefined> {
    const entry = (await client.exceptions(key, signal))?.exceptionHistory.entries[0];
    if (entry === undefined) return undefined;
    const verdict = classifyFailure(entry.stacktrace);
    return verdict ?? { reason: entry.exceptionName, blame: 'user', outOfMemory: false };
  }

  /** A batch job counts as done only with its manifest; without it the results are not there, whatever Flink says. */
  async function proven(seen: Observation, spec: JobSpec): Promise<Observation> {
    if (spec.outputPrefix === undefined || seen.state !== 'succeeded') return seen;
    if (await proof.finished(spec)) return seen;
    return { ...seen, state: 'failed', reason: 'finished without a manifest', blame: 'platform' };
  }

  async function look(spec: JobSpec, key: string, signal?: AbortSignal): Promise<Observation | undefined> {
    const job = await client.job(key, signal);
    if (job === undefined) return undefined;
    return settle(base(key, job.state, tasksOf(job)), spec, signal);
  }

  async function settle(seen: Observation, spec: JobSpec, signal?: AbortSignal): Promise<Observation> {
    const full = await proven(await withDetails(seen, signal), spec);
    if (isTerminal(full.state)) ended.set(full.key, full);
    return full;
  }

  /** The engine does not know the job: the manifest may still prove that it finished before the engine forgot it. */
  async function forgotten(spec: JobSpec, key: string): Promise<Observation> {
    const remembered = ended.get(key);
    if (remembered !== undefined) return remembered;
    if (await proof.finished(spec)) return { key, state: 'succeeded', nativeState: 'NOT_FOUND', engineJobId: key };
    return { key, state: 'unknown', nativeState: 'NOT_FOUND' };
  }

  async function jarId(spec: JobSpec, signal?: AbortSignal): Promise<string> {
    const jar = await deps.jars.jarOf(spec.module);
    const name = `${jar.fileName.replace(/\.jar$/, '')}-${jar.sha256}.jar`;
    const present = (await client.jars(signal)).find((file) => file.name === name);
    return present?.id ?? client.uploadJar(jar.path, name, signal);
  }

  async function submit(spec: JobSpec, key: string, signal?: AbortSignal): Promise<Observation> {
    const there = await look(spec, key, signal);
    if (there !== undefined) return there;
    if (await proof.finished(spec)) return forgotten(spec, key);
    const jar = await jarId(spec, signal);
    let answer: HttpAnswer | undefined;
    let fault: unknown;
    try {
      answer = await client.run(
        jar,
        {
          jobId: key,
          entryClass: spec.mainClass,
          programArgsList: ['--spec', JSON.stringify(spec.document)],
          ...(spec.resources.parallelism === undefined ? {} : { parallelism: spec.resources.parallelism }),
          ...(spec.restoreFrom === undefined ? {} : { savepointPath: spec.restoreFrom, allowNonRestoredState: false }),
        },
        signal,
      );
    } catch (error) {
      if (!isSluiceError(error, 'ENGINE_UNREACHABLE')) throw error;
      fault = error;
    }
    const refusal = answer === undefined ? undefined : refusalOf(answer);
    const clear = refusal !== undefined && refusal.kind !== 'open';
    // Whatever was answered, the job list decides; only the length of the search depends on how clear the answer was.
    const found = await waitFor(() => lookPatiently(spec, key, fault, signal), {
      deadlineMs: clear ? (config.refusedMs ?? 5_000) : (config.resolveMs ?? 30_000),
      intervalMs: lookMs,
      signal,
    });
    if (found !== undefined) return found;
    if (await proof.finished(spec)) return forgotten(spec, key);
    const nativeState = 'REFUSED';
    if (refusal?.kind === 'program') {
      const { reason, blame, outOfMemory } = refusal;
      return { key, state: 'failed', nativeState, reason, blame, outOfMemory };
    }
    if (refusal?.kind === 'twin') {
      const reason = `Flink had job ${key} before and no longer knows it`;
      return { key, state: 'lost', nativeState, reason, blame: 'platform' };
    }
    const why = refusal?.reason ?? (fault instanceof Error ? fault.message : 'the job does not appear');
    throw new SluiceError(
      'ENGINE_UNREACHABLE',
      `Flink ${config.cluster}: the outcome of submitting ${spec.name} is unknown (${why})`,
      { cause: fault, details: { key } },
    );
  }

  /** While the outcome of a submission is open, an engine that is away is asked again rather than believed. */
  async function lookPatiently(spec: JobSpec, key: string, fault: unknown, signal?: AbortSignal) {
    try {
      return await look(spec, key, signal);
    } catch (error) {
      if (fault !== undefined && isSluiceError(error, 'ENGINE_UNREACHABLE')) return undefined;
      throw error;
    }
  }

  /** One job of a list: what nobody can answer now (the store is away) is left out, so that it stops no other job. */
  async function fromList(key: string, spec: JobSpec, job: FlinkJobListEntry | undefined, signal?: AbortSignal) {
    const known = ended.get(key);
    if (known !== undefined) return known;
    try {
      if (job === undefined) return await forgotten(spec, key);
      const seen = base(key, job.state, job.tasks);
      return isTerminal(seen.state) ? await settle(seen, spec, signal) : seen;
    } catch (error) {
      if (isSluiceError(error, 'STORE_UNREACHABLE')) return undefined;
      throw error;
    }
  }

  async function observe(handle: JobHandle, signal?: AbortSignal): Promise<Observation> {
    return (await look(handle.spec, handle.key, signal)) ?? forgotten(handle.spec, handle.key);
  }

  return {
    name: 'flink',
    cluster: config.cluster,
    capabilities: { callerChosenId: true, savepoints: true, batch: true },
    submit,
    observe,

    async find(handle, signal) {
      const seen = await observe(handle, signal);
      return seen.nativeState === 'NOT_FOUND' && !isTerminal(seen.state) ? undefined : seen;
    },

    async observeAll(handles, signal) {
      const listed = new Map((await client.jobs(signal)).map((job) => [job.jid, job]));
      const wanted = new Set(handles.map((handle) => handle.key));
      for (const key of seenRunning) if (!wanted.has(key)) seenRunning.delete(key);
      for (const key of ended.keys()) if (!wanted.has(key)) ended.delete(key);
      const all = new Map<string, Observation>();
      for (const { key, spec } of handles) {
        const seen = await fromList(key, spec, listed.get(key), signal);
        if (seen !== undefined) all.set(key, seen);
      }
      return all;
    },

    async cancel(handle, signal) {
      const first = await observe(handle, signal);
      if (isTerminal(first.state) || first.nativeState === 'NOT_FOUND') return first;
      await client.cancel(handle.key, signal);
      const gone = await waitFor(
        async () => {
          const seen = await observe(handle, signal);
          return isTerminal(seen.state) || seen.nativeState === 'NOT_FOUND' ? seen : undefined;
        },
        { deadlineMs: config.cancelMs ?? 60_000, intervalMs: lookMs, signal },
      );
      return gone ?? observe(handle, signal);
    },

    async logs(handle, maxBytes, signal) {
      const history = await client.exceptions(handle.key, signal);
      const entries = [...(history?.exceptionHistory.entries ?? [])].sort((a, b) => a.timestamp - b.timestamp);
      const text = entries
        .map((entry) => `${new Date(entry.timestamp).toISOString()} ${entry.taskName ?? ''}\n${entry.stacktrace}`)
        .join('\n');
      return text.slice(-maxBytes);
    },

    async ping(signal) {
      return { version: (await client.overview(signal))['flink-version'] };
    },
  };
}

function tasksOf(job: FlinkJob): TaskCounts {
  const sum: Record<string, number> = {};
  for (const vertex of job.vertices) {
    for (const [state, count] of Object.entries(vertex.tasks)) {
      const name = state.toLowerCase();
      sum[name] = (sum[name] ?? 0) + count;
      sum['total'] = (sum['total'] ?? 0) + count;
    }
  }
  return sum;
}
