/** Reads Flink jobs: state, reason, checkpoints and restarts, and what the manifest says when Flink has forgotten. */
import { isSluiceError } from '../../infra/errors.js';
import { classifyFailure } from '../failure-text.js';
import type { FailureVerdict } from '../failure-text.js';
import { isTerminal } from '../job-state.js';
import type { JobHandle, JobSpec, Observation } from '../port.js';
import type { ProofReader } from '../proof.js';
import type { FlinkCheckpoints, FlinkClient, FlinkJob, FlinkJobListEntry } from './client.js';
import { DetailTurns } from './detail-turns.js';
import { flinkState, waitsForTasks } from './native-states.js';
import type { TaskCounts } from './native-states.js';

export type FlinkObserver = ReturnType<typeof createFlinkObserver>;

export function createFlinkObserver(client: FlinkClient, proof: ProofReader, pageUrl: string, now: () => number) {
  /** Jobs seen with a running task by this process or one before it, so that a job without tasks is told apart from one that never began. */
  const seenRunning = new Set<string>();
  /** What was read of ended jobs, so that a list does not ask again for what cannot change. */
  const ended = new Map<string, Observation>();
  const turns = new DetailTurns();

  function base(key: string, nativeState: string, tasks: TaskCounts): Observation {
    const state = flinkState(nativeState, tasks, seenRunning.has(key));
    if (state === 'running') seenRunning.add(key);
    const waiting = waitsForTasks(tasks) && !isTerminal(state);
    return {
      key,
      state,
      nativeState,
      engineJobId: key,
      link: `${pageUrl}/#/job/${key}/overview`,
      ...(waiting ? { reason: `0 of ${tasks['total'] ?? 0} tasks run: waiting for slots` } : {}),
    };
  }

  async function details(seen: Observation, spec: JobSpec, signal?: AbortSignal): Promise<Observation> {
    const [checkpoints, restarts] = await Promise.all([
      client.checkpoints(seen.key, signal),
      isTerminal(seen.state) ? undefined : client.restarts(seen.key, signal),
    ]);
    const full: Observation = {
      ...seen,
      ...(await whyOf(seen, restarts ?? 0, signal)),
      ...(restarts === undefined ? {} : { restarts }),
      ...snapshotsOf(checkpoints),
    };
    const judged = await proven(full, spec);
    if (isTerminal(judged.state)) ended.set(judged.key, judged);
    return judged;
  }

  async function whyOf(seen: Observation, restarts: number, signal?: AbortSignal): Promise<Partial<Observation>> {
    if (seen.state === 'cancelled') return { reason: 'cancelled at Flink' };
    if (seen.state !== 'failed' && restarts === 0) return {};
    const failure = await failureOf(seen.key, signal);
    if (seen.state === 'failed') return failure ?? { reason: 'failed; Flink names no exception', blame: 'platform' };
    return failure === undefined || seen.reason !== undefined ? {} : { reason: `last restart: ${failure.reason}` };
  }

  async function failureOf(key: string, signal?: AbortSignal): Promise<FailureVerdict | undefined> {
    const entries = (await client.exceptions(key, signal))?.exceptionHistory.entries ?? [];
    const newest = [...entries].sort((a, b) => b.timestamp - a.timestamp)[0];
    if (newest === undefined) return undefined;
    return classifyFailure(newest.stacktrace) ?? { reason: newest.exceptionName, blame: 'user', outOfMemory: false };
  }

  /** A batch job counts as done only with its manifest; without it the results are not there, whatever Flink says. */
  async function proven(seen: Observation, spec: JobSpec): Promise<Observation> {
    if (spec.outputPrefix === undefined || seen.state !== 'succeeded') return seen;
    if (await proof.finished(spec)) return seen;
    return { ...seen, state: 'failed', reason: 'finished without a manifest', blame: 'platform' };
  }

  /** Undefined when Flink does not know the job. */
  async function look(spec: JobSpec, key: string, signal?: AbortSignal): Promise<Observation | undefined> {
    const job = await client.job(key, signal);
    return job === undefined ? undefined : details(base(key, job.state, tasksOf(job)), spec, signal);
  }

  /** Flink does not know the job: the manifest may still prove that it finished before Flink forgot it. */
  async function forgotten(spec: JobSpec, key: string): Promise<Observation> {
    const remembered = ended.get(key);
    if (remembered !== undefined) return remembered;
    if (await proof.finished(spec)) return { key, state: 'succeeded', nativeState: 'NOT_FOUND', engineJobId: key };
    return { key, state: 'unknown', nativeState: 'NOT_FOUND' };
  }

  /** A cluster that refuses to give details will do so again: then the end counts without them. */
  async function detailsIfAny(seen: Observation, spec: JobSpec, signal?: AbortSignal): Promise<Observation> {
    try {
      return await details(seen, spec, signal);
    } catch (error) {
      if (!isSluiceError(error) || error.retryable) throw error;
      return { reason: `Flink says ${seen.nativeState} and refuses to say more`, ...seen };
    }
  }

  /** One job of a list: what nobody can answer now is left out, so that it stops no other job. */
  async function ofList({ key, spec }: JobHandle, job: FlinkJobListEntry | undefined, signal?: AbortSignal) {
    const known = ended.get(key);
    if (known !== undefined) return known;
    try {
      if (job === undefined) return await forgotten(spec, key);
      const seen = base(key, job.state, job.tasks);
      return isTerminal(seen.state) ? await detailsIfAny(seen, spec, signal) : seen;
    } catch (error) {
      // The list has answered: what nobody can say of one job now is asked again next time.
      if (isSluiceError(error) && signal?.aborted !== true) return undefined;
      throw error;
    }
  }

  /** The way back after the cluster's loss has to be known before it: checkpoints of running jobs are read in turn. */
  async function addCheckpoints(
    handles: readonly JobHandle[],
    all: Map<string, Observation>,
    signal?: AbortSignal,
  ): Promise<void> {
    const running = handles.filter(({ key }) => all.get(key)?.state === 'running');
    const jobs = running.map(({ key, spec }) => ({ key, startedMs: spec.intentAtMs }));
    for (const key of turns.next(jobs, now())) {
      try {
        const seen = all.get(key);
        if (seen) all.set(key, { ...seen, ...snapshotsOf(await client.checkpoints(key, signal)) });
      } catch (error) {
        // The list has answered: what one job did not tell now is asked at its next turn.
        if (!isSluiceError(error)) throw error;
      }
    }
  }

  return {
    look,
    forgotten,

    observe: async ({ key, spec }: JobHandle, signal?: AbortSignal): Promise<Observation> =>
      (await look(spec, key, signal)) ?? forgotten(spec, key),

    /** All jobs by one request for the list; more only for those that ended since, and for a few running ones in turn. */
    async observeAll(handles: readonly JobHandle[], signal?: AbortSignal): Promise<Map<string, Observation>> {
      const listed = new Map((await client.jobs(signal)).map((job) => [job.jid, job]));
      const wanted = new Set(handles.map((handle) => handle.key));
      for (const key of seenRunning) if (!wanted.has(key)) seenRunning.delete(key);
      for (const { key, ran } of handles) if (ran) seenRunning.add(key);
      for (const key of ended.keys()) if (!wanted.has(key)) ended.delete(key);
      turns.keepOnly(wanted);
      const all = new Map<string, Observation>();
      for (const handle of handles) {
        const seen = await ofList(handle, listed.get(handle.key), signal);
        if (seen !== undefined) all.set(handle.key, seen);
      }
      await addCheckpoints(handles, all, signal);
      return all;
    },
  };
}

/** Flink does not know the job, and nothing proves how it ended. */
export const isMissing = (seen: Observation): boolean => seen.nativeState === 'NOT_FOUND' && !isTerminal(seen.state);

function snapshotsOf(checkpoints: FlinkCheckpoints | undefined): Pick<Observation, 'restorePoint' | 'progress'> {
  if (checkpoints === undefined) return {};
  const { counts, latest } = checkpoints;
  const newest = [latest.completed, latest.savepoint]
    .filter((snapshot) => typeof snapshot?.external_path === 'string' && snapshot.external_path !== '')
    .sort((a, b) => (b?.id ?? 0) - (a?.id ?? 0))[0];
  return {
    progress: { checkpoints: counts.completed, failedCheckpoints: counts.failed },
    ...(newest?.external_path ? { restorePoint: newest.external_path } : {}),
  };
}

function tasksOf(job: FlinkJob): TaskCounts {
  const sum: Record<string, number> = { total: 0 };
  for (const vertex of job.vertices) {
    for (const [state, count] of Object.entries(vertex.tasks)) {
      const name = state.toLowerCase();
      sum[name] = (sum[name] ?? 0) + count;
      sum['total'] = (sum['total'] ?? 0) + count;
    }
  }
  return sum;
}
