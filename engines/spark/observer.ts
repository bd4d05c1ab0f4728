/** Reads Spark jobs: follows the driver that holds the claim, judges it with its application, and believes success only with a manifest. */
import { isSluiceError } from '../../infra/errors.js';
import { classifyEnd, classifyFailure, lastLines, readFailureNote } from '../failure-text.js';
import type { FailureVerdict } from '../failure-text.js';
import { isTerminal } from '../job-state.js';
import type { JobHandle, JobSpec, Observation } from '../port.js';
import type { DriverAnswer, MasterView, SparkApp, SparkClient } from './client.js';
import { CANCELLED_CLAIM, isNobody, SHUT_OUT_CLAIM } from './identity.js';
import type { SparkIdentity } from './identity.js';
import { hasExecutor, sparkDriverState, sparkJobState } from './native-states.js';

const LOG_TAIL_BYTES = 64 * 1024;

interface Native {
  driverId: string;
  state: string;
  workerId?: string;
  message?: string;
}

export type SparkObserver = ReturnType<typeof createSparkObserver>;

export function createSparkObserver(client: SparkClient, identity: SparkIdentity, historyUrl?: string) {
  /** Jobs seen with an executor by this process or one before it, so that a job that lost them is told apart from one that never had any. */
  const seenRunning = new Set<string>();
  /** What was read of ended jobs, so that a list does not ask again for what cannot change. */
  const ended = new Map<string, Observation>();
  /** Web addresses of the workers, as the last list gave them. */
  let workerUrls: MasterView['workerUrls'] = new Map();

  function linkOf(app: SparkApp | undefined): string {
    if (app === undefined) return client.uiUrl;
    if (app.active || historyUrl === undefined) return `${client.uiUrl}/app/?appId=${app.id}`;
    return `${historyUrl.replace(/\/+$/, '')}/history/${app.id}/`;
  }

  async function judge(key: string, spec: JobSpec, first: Native, master: MasterView, signal?: AbortSignal) {
    const native = await followClaim(spec, first, signal);
    if (native.state === 'NOT_FOUND') return notFound(key, spec, master, native.driverId);
    const seen = await verdict(key, spec, native, master, signal);
    if (isTerminal(seen.state)) ended.set(key, seen);
    return seen;
  }

  /** A driver that ended otherwise than well may have lost the claim to a twin: then the twin is the job. */
  async function followClaim(spec: JobSpec, native: Native, signal?: AbortSignal): Promise<Native> {
    const state = sparkDriverState(native.state);
    if (state === 'running' || state === 'starting' || state === 'succeeded') return native;
    const claim = await identity.claim(spec);
    if (claim === undefined || claim.driverId === native.driverId || isNobody(claim.driverId)) return native;
    return { driverId: claim.driverId, ...(await client.driver(claim.driverId, signal)) };
  }

  async function verdict(key: string, spec: JobSpec, native: Native, master: MasterView, signal?: AbortSignal) {
    const app = appOf(spec, master);
    const driver = (await mayOutlive(spec, native, app)) ? 'RUNNING' : native.state;
    const state = sparkJobState(driver, app, seenRunning.has(key));
    if (hasExecutor(app)) seenRunning.add(key);
    const seen: Observation = {
      key,
      state,
      nativeState: native.state,
      engineJobId: native.driverId,
      link: linkOf(app),
      ...(app === undefined ? {} : { progress: { application: app.id, cores: app.cores } }),
    };
    if (!isTerminal(state)) {
      const waits = state === 'starting' || (state === 'restarting' && driver === 'RUNNING');
      return waits ? { ...seen, reason: waitingReason(driver, app, master) } : seen;
    }
    if (native.state === 'FINISHED' && app?.state === 'FAILED') {
      const reason = `the driver finished, but its application ${app.id} failed`;
      return { ...seen, state: 'failed' as const, reason, blame: 'platform' as const };
    }
    if (await identity.finished(spec)) return { ...seen, state: 'succeeded' as const };
    if (state === 'succeeded') {
      return { ...seen, state: 'failed' as const, reason: 'finished without a manifest', blame: 'platform' as const };
    }
    if (state === 'cancelled') return { ...seen, reason: 'killed at Spark' };
    return { ...seen, ...(await failureOf(spec, native, master, signal)) };
  }

  /**
   * ERROR says that the master lost the driver's worker, not that the driver's process has ended. One that has claimed
   * lives for as long as its application does; one that has not is shut out, so that nothing is submitted beside it.
   */
  async function mayOutlive(spec: JobSpec, native: Native, app: SparkApp | undefined): Promise<boolean> {
    if (native.state !== 'ERROR') return false;
    const claim = await identity.claim(spec);
    if (claim === undefined) return app?.active === true || !(await identity.claimForNobody(spec, SHUT_OUT_CLAIM));
    // Claimed, and not in the list: it registered after the list was made.
    return !isNobody(claim.driverId) && (app === undefined || app.active);
  }

  /** The job's own note first, then its driver's error output; without both, nobody but the platform can be blamed. */
  async function failureOf(
    spec: JobSpec,
    native: Native,
    master: MasterView,
    signal?: AbortSignal,
  ): Promise<FailureVerdict> {
    const note = await identity.failureNote(spec);
    const written = note === undefined ? undefined : readFailureNote(note);
    if (written !== undefined) return written;
    const log = await logOf(native, master, LOG_TAIL_BYTES, signal).catch((error: unknown) => {
      // The verdict does not wait for a worker that is away; the log itself is asked for again by whoever keeps it.
      if (isSluiceError(error)) return undefined;
      throw error;
    });
    const read = log === undefined ? undefined : classifyEnd(log);
    // ERROR is Spark's word for a driver that could not be launched or whose worker was lost.
    if (read !== undefined && native.state !== 'ERROR') return read;
    const told = native.message === undefined ? undefined : classifyFailure(native.message);
    const tail = log === undefined ? '' : lastLines(log);
    const reason = told?.reason ?? read?.reason ?? (tail || `driver ${native.state}, and its log is gone`);
    return { reason, blame: 'platform', outOfMemory: read?.outOfMemory ?? false };
  }

  async function logOf(native: Native, master: MasterView, maxBytes: number, signal?: AbortSignal) {
    const workerId = native.workerId ?? master.drivers.get(native.driverId)?.workerId;
    const workerUrl = workerId === undefined ? undefined : master.workerUrls.get(workerId);
    return workerUrl === undefined ? undefined : client.driverLog(workerUrl, native.driverId, maxBytes, signal);
  }

  /** The master does not know the driver: what the job left behind may still tell how it ended, or that it lives. */
  async function notFound(key: string, spec: JobSpec, master: MasterView, driverId?: string): Promise<Observation> {
    const known = ended.get(key);
    if (known !== undefined) return known;
    const seen = { key, nativeState: 'NOT_FOUND', ...(driverId === undefined ? {} : { engineJobId: driverId }) };
    if (await identity.finished(spec)) return { ...seen, state: 'succeeded' };
    if (driverId === undefined) return { ...seen, state: 'unknown' };
    const app = appOf(spec, master);
    if (app?.active === true) {
      const state = sparkJobState('RUNNING', app, seenRunning.has(key));
      return { ...seen, state, nativeState: app.state, link: linkOf(app), progress: { application: app.id } };
    }
    const note = await identity.failureNote(spec);
    const written = note === undefined ? undefined : readFailureNote(note);
    return written === undefined ? { ...seen, state: 'unknown' } : { ...seen, state: 'failed', ...written };
  }

  /** Only the driver's own status says why it could not be launched; a master that refuses it has said in its list how it ended. */
  async function statusOf(driverId: string, state: string, signal?: AbortSignal): Promise<DriverAnswer> {
    const ours = sparkDriverState(state);
    if (!isTerminal(ours) || ours === 'succeeded') return { state };
    try {
      return await client.driver(driverId, signal);
    } catch (error) {
      if (!isSluiceError(error) || error.retryable) throw error;
      return { state };
    }
  }

  /** One job of a list: what nobody can answer now is left out, so that it stops no other job. */
  async function ofList(handle: JobHandle, master: MasterView, signal?: AbortSignal): Promise<Observation | undefined> {
    const { key, spec, engineJobId } = handle;
    const known = ended.get(key);
    if (known !== undefined) return known;
    try {
      const driverId = engineJobId ?? (await identity.driverOf(spec));
      if (driverId === CANCELLED_CLAIM) return withdrawn(key);
      if (driverId === undefined) return await notFound(key, spec, master);
      const { state, workerId } = master.drivers.get(driverId) ?? { state: 'NOT_FOUND' };
      const status = await statusOf(driverId, state, signal);
      const native = { driverId, ...(workerId === undefined ? {} : { workerId }), ...status };
      return await judge(key, spec, native, master, signal);
    } catch (error) {
      // The list has answered: what nobody can say of one job now is asked again next time.
      if (isSluiceError(error) && signal?.aborted !== true) return undefined;
      throw error;
    }
  }

  return {
    async observe({ key, spec, engineJobId }: JobHandle, signal?: AbortSignal): Promise<Observation> {
      const driverId = await identity.driverOf(spec, engineJobId);
      if (driverId === CANCELLED_CLAIM) return withdrawn(key);
      const master = await client.master(signal);
      const id = driverId ?? (await identity.suspects(spec, key, master)).ours;
      if (id === undefined) return notFound(key, spec, master);
      return judge(key, spec, { driverId: id, ...(await client.driver(id, signal)) }, master, signal);
    },

    /** All jobs by one request to the master; more only for those that ended since or that have no driver yet. */
    async observeAll(handles: readonly JobHandle[], signal?: AbortSignal): Promise<Map<string, Observation>> {
      const master = await client.master(signal);
      ({ workerUrls } = master);
      const wanted = new Set(handles.map((handle) => handle.key));
      for (const key of seenRunning) if (!wanted.has(key)) seenRunning.delete(key);
      for (const { key, ran } of handles) if (ran) seenRunning.add(key);
      for (const key of ended.keys()) if (!wanted.has(key)) ended.delete(key);
      const all = new Map<string, Observation>();
      for (const handle of handles) {
        const seen = await ofList(handle, master, signal);
        if (seen !== undefined) all.set(handle.key, seen);
      }
      return all;
    },

    async log(driverId: string, maxBytes: number, signal?: AbortSignal): Promise<string> {
      const native = { driverId, ...(await client.driver(driverId, signal)) };
      const workerUrl = native.workerId === undefined ? undefined : workerUrls.get(native.workerId);
      // The master's page names every driver it has: a crowd of ended jobs must not ask for it once each.
      if (workerUrl !== undefined) return client.driverLog(workerUrl, driverId, maxBytes, signal);
      return (await logOf(native, await client.master(signal), maxBytes, signal)) ?? '';
    },

    /** True once neither the drivers nor the job's application hold anything any more. */
    async isGone(spec: JobSpec, driverIds: readonly string[], signal?: AbortSignal): Promise<boolean> {
      const master = await client.master(signal);
      const held = driverIds.some((id) => master.drivers.get(id)?.active === true);
      return !held && appOf(spec, master)?.active !== true;
    },
  };
}

/** The master does not know the driver, and nothing proves how it ended. */
export const isMissing = (seen: Observation): boolean => seen.nativeState === 'NOT_FOUND' && !isTerminal(seen.state);

/** The submission was cancelled before any driver claimed it. */
export const withdrawn = (key: string): Observation => ({
  key,
  state: 'cancelled',
  nativeState: 'WITHDRAWN',
  reason: 'cancelled before any driver had claimed the job',
});

/** The newest application that carries our tag. */
export function appOf(spec: JobSpec, master: MasterView): SparkApp | undefined {
  const named = master.apps.filter((app) => app.name.startsWith(`${spec.tag} `));
  return named.find((app) => app.active) ?? named.at(-1);
}

function waitingReason(driver: string, app: SparkApp | undefined, { free }: MasterView): string {
  const left = `${free.cores} of ${free.allCores} cores and ${free.memoryMb} of ${free.allMemoryMb} MB free`;
  if (driver === 'SUBMITTED') return `driver waits for a worker; ${left}`;
  if (app === undefined) return `driver runs, no application yet; ${left}`;
  return `no executor: application ${app.state} with ${app.cores} cores; ${left}`;
}
