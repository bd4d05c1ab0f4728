/** Flink session clusters over REST: our submission key is Flink's own job id, so a job is always found by asking for its key. */
import { isSluiceError, SluiceError } from '../../infra/errors.js';
import { createHttpClient } from '../../infra/http/client.js';
import type { HttpAnswer } from '../../infra/http/client.js';
import type { JarCatalog } from '../artifacts.js';
import { isTerminal } from '../job-state.js';
import type { ObjectStore } from '../object-store.js';
import type { EnginePort, JobSpec, Observation, TaggedJob } from '../port.js';
import { createProofReader } from '../proof.js';
import { keyOfTag } from '../tags.js';
import { waitFor } from '../waiting.js';
import { createFlinkClient } from './client.js';
import { createJarUpload } from './jar-upload.js';
import { createFlinkObserver, isMissing } from './observer.js';
import { flinkState } from './native-states.js';
import { createSavepointStop } from './savepoint-stop.js';
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
  /** How long a savepoint may take before it counts as not answered. Default 10 min. */
  savepointMs?: number;
  /** Pause between two looks. Default 500 ms. */
  lookMs?: number;
}

export interface FlinkEngineDeps {
  jars: JarCatalog;
  objects?: ObjectStore;
  /** Clock; default the system's. */
  now?: () => number;
}

export function createFlinkEngine(config: FlinkEngineConfig, deps: FlinkEngineDeps): EnginePort {
  const name = `Flink ${config.cluster}`;
  const http = createHttpClient({ baseUrl: config.restUrl, name, timeoutMs: config.timeoutMs ?? 10_000 });
  const client = createFlinkClient(http, { submitTimeoutMs: config.submitTimeoutMs ?? 90_000 });
  const proof = createProofReader(deps.objects);
  const observer = createFlinkObserver(client, proof, http.baseUrl, deps.now ?? Date.now);
  const observe: EnginePort['observe'] = (handle, signal) => observer.observe(handle, signal);
  const lookMs = config.lookMs ?? 500;
  const stopWithSavepoint = createSavepointStop(
    { name, savepointMs: config.savepointMs ?? 600_000, endMs: config.cancelMs ?? 60_000, lookMs },
    client,
    observe,
  );

  const jarId = createJarUpload(client);

  async function submit(spec: JobSpec, key: string, signal?: AbortSignal): Promise<Observation> {
    const there = await observe({ key, spec }, signal);
    if (!isMissing(there)) return there;
    const request = {
      jobId: key,
      entryClass: spec.mainClass,
      programArgsList: ['--spec', JSON.stringify(spec.document)],
      ...(spec.resources.parallelism === undefined ? {} : { parallelism: spec.resources.parallelism }),
      ...(spec.restoreFrom === undefined ? {} : { savepointPath: spec.restoreFrom, allowNonRestoredState: false }),
    };
    const jar = await jarId(await deps.jars.jarFor(spec.module, spec.mainClass), signal);
    let answer: HttpAnswer | undefined;
    let fault: SluiceError | undefined;
    try {
      answer = await client.run(jar, request, signal);
    } catch (error) {
      if (!isSluiceError(error, 'ENGINE_UNREACHABLE')) throw error;
      fault = error;
    }
    return outcome(spec, key, answer, fault, signal);
  }

  /** Whatever was answered, the job list decides; only the length of the search depends on how clear the answer was. */
  async function outcome(
    spec: JobSpec,
    key: string,
    answer: HttpAnswer | undefined,
    fault: SluiceError | undefined,
    signal?: AbortSignal,
  ): Promise<Observation> {
    const refusal = answer === undefined ? undefined : refusalOf(answer);
    const clear = refusal !== undefined && refusal.kind !== 'open';
    const found = await waitFor(() => lookPatiently(spec, key, fault !== undefined, signal), {
      deadlineMs: clear ? (config.refusedMs ?? 5_000) : (config.resolveMs ?? 30_000),
      intervalMs: lookMs,
      signal,
    });
    if (found !== undefined) return found;
    if (await proof.finished(spec)) return observer.forgotten(spec, key);
    const nativeState = 'REFUSED';
    if (refusal?.kind === 'program') {
      const { reason, blame, outOfMemory } = refusal;
      return { key, state: 'failed', nativeState, reason, blame, outOfMemory };
    }
    if (refusal?.kind === 'twin') {
      const reason = `Flink had job ${key} before and no longer knows it`;
      return { key, state: 'lost', nativeState, reason, blame: 'platform' };
    }
    const why = refusal?.reason ?? fault?.message ?? 'the job does not appear';
    throw new SluiceError('ENGINE_UNREACHABLE', `${name}: the outcome of submitting ${spec.name} is unknown (${why})`, {
      cause: fault,
      details: { key },
    });
  }

  /** While the outcome of a submission is open, an engine that is away is asked again rather than believed. */
  async function lookPatiently(spec: JobSpec, key: string, patient: boolean, signal?: AbortSignal) {
    try {
      return await observer.look(spec, key, signal);
    } catch (error) {
      if (patient && isSluiceError(error, 'ENGINE_UNREACHABLE')) return undefined;
      throw error;
    }
  }

  return {
    name: 'flink',
    cluster: config.cluster,
    capabilities: { callerChosenId: true, savepoints: true, batch: true },
    submit,
    observe,
    observeAll: (handles, signal) => observer.observeAll(handles, signal),

    async find(handle, signal) {
      const seen = await observe(handle, signal);
      return isMissing(seen) ? undefined : seen;
    },

    async tagged(installation, signal) {
      const jobs = await client.jobs(signal);
      return jobs.flatMap(({ jid, name: jobName, state, tasks }): TaggedJob[] => {
        const key = keyOfTag(jobName, installation);
        const ours = flinkState(state, tasks, false);
        return key === undefined || isTerminal(ours)
          ? []
          : [{ key, engineJobId: jid, state: ours, nativeState: state }];
      });
    },

    stopWithSavepoint,

    async cancel(handle, signal) {
      const first = await observe(handle, signal);
      if (isTerminal(first.state) || isMissing(first)) return first;
      await client.cancel(handle.key, signal);
      const gone = await waitFor(
        async () => {
          const seen = await observe(handle, signal);
          return isTerminal(seen.state) || isMissing(seen) ? seen : undefined;
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
