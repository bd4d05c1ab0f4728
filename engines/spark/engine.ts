/** Spark standalone: drivers are posted to the submission server, found by their claim, and believed only with their manifest. */
import { isSluiceError } from '../../infra/errors.js';
import type { JarCatalog } from '../artifacts.js';
import { classifyFailure, lastLines, readFailureNote } from '../failure-text.js';
import type { FailureVerdict } from '../failure-text.js';
import { isTerminal } from '../job-state.js';
import type { ObjectStore } from '../object-store.js';
import type { EnginePort, JobHandle, JobSpec, Observation } from '../port.js';
import { waitFor } from '../waiting.js';
import { createSparkClient } from './client.js';
import type { MasterView, SparkApp } from './client.js';
import { CANCELLED_CLAIM, createSparkIdentity } from './identity.js';
import type { DriverLedger } from './identity.js';
import { hasExecutor, sparkDriverState, sparkJobState } from './native-states.js';
import { submitDriver } from './submission.js';

export interface SparkEngineConfig {
  cluster: string;
  restUrl: string;
  uiUrl: string;
  historyUrl?: string;
  bucket: string;
  properties?: Record<string, string>;
  /** Limit for one ordinary request. Default 10 s. */
  timeoutMs?: number;
  /** Limit for a post. Default 30 s. */
  submitTimeoutMs?: number;
  /** How long a submission without a clear answer is looked for before the call gives up. Default 60 s. */
  resolveMs?: number;
  /** How long cancel waits for the end. Default 60 s. */
  cancelMs?: number;
  /** Pause between two looks. Default 1 s. */
  lookMs?: number;
}

export interface SparkEngineDeps {
  jars: JarCatalog;
  objects: ObjectStore;
  ledger?: DriverLedger;
}

const LOG_TAIL_BYTES = 64 * 1024;

export function createSparkEngine(config: SparkEngineConfig, deps: SparkEngineDeps): EnginePort {
  const submitTimeoutMs = config.submitTimeoutMs ?? 30_000;
  const lookMs = config.lookMs ?? 1_000;
  const client = createSparkClient({ ...config, timeoutMs: config.timeoutMs ?? 10_000, submitTimeoutMs });
  const identity = createSparkIdentity(deps.objects, deps.ledger);
  const submission = {
    cluster: config.cluster,
    bucket: config.bucket,
    properties: config.properties ?? {},
    submitTimeoutMs,
    resolveMs: config.resolveMs ?? 60_000,
    lookMs,
  };
  /** Jobs seen with an executor by this process, so that a job that lost them is told apart from one that never had any. */
  const seenRunning = new Set<string>();
  /** What was read of ended jobs, so that a list does not ask again for what cannot change. */
  const ended = new Map<string, Observation>();

  interface Native {
    driverId: string;
    state: string;
    workerId?: string;
    message?: string;
  }

  function linkOf(app: SparkApp | undefined): string {
    if (app === undefined) return client.uiUrl;
    if (app.active || config.historyUrl === undefined) return `${client.uiUrl}/app/?appId=${app.id}`;
    return `${config.historyUrl.replace(/\/+$/, '')}/history/${app.id}/`;
  }

  /** What the engine says of one driver, in our words; reasons of failures are read from the driver's own log. */
  async function verdict(key: string, spec: JobSpec, native: Native, master: MasterView, signal?: AbortSignal) {
    const app = appOf(spec, master);
    const state = sparkJobState(native.state, app, seenRunning.has(key));
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
      const waiting =
        state === 'starting' || state === 'restarting' ? waitingReason(native.state, app, master) : undefined;
      return waiting === undefined ? seen : { ...seen, reason: waiting };
    }
    if (await identity.finished(spec)) return { ...seen, state: 'succeeded' as const };
    if (state === 'succeeded') {
      return { ...seen, state: 'failed' as const, reason: 'finished without a manifest', blame: 'platform' as const };
    }
    if (state === 'cancelled') return { ...seen, reason: 'killed at Spark' };
    return { ...seen, ...(await failureOf(spec, native, master, signal)) };
  }

  async function failureOf(
    spec: JobSpec,
    native: Native,
    master: MasterView,
    signal?: AbortSignal,
  ): Promise<FailureVerdict> {
    const note = await identity.failureNote(spec);
    const written = note === undefined ? undefined : readFailureNote(note);
    if (written !== undefined) return written;
    const log = await logOf(native, master, LOG_TAIL_BYTES, signal);
    const read = log === undefined ? undefined : classifyFailure(log);
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

  /** A driver that ended otherwise than well may have lost the claim to a twin: then the twin is the job. */
  async function followClaim(spec: JobSpec, native: Native, signal?: AbortSignal): Promise<Native> {
    const state = sparkDriverState(native.state);
    if (state === 'running' || state === 'starting' || native.state === 'FINISHED') return native;
    const claim = await identity.claim(spec);
    if (claim === undefined || claim.driverId === native.driverId || claim.driverId === CANCELLED_CLAIM) return native;
    return { driverId: claim.driverId, ...(await client.driver(claim.driverId, signal)) };
  }

  async function judge(key: string, spec: JobSpec, first: Native, master: MasterView, signal?: AbortSignal) {
    const native = await followClaim(spec, first, signal);
    if (native.state === 'NOT_FOUND') return notFound(key, spec, native.driverId);
    const seen = await verdict(key, spec, native, master, signal);
    if (isTerminal(seen.state)) ended.set(key, seen);
    return seen;
  }

  async function notFound(key: string, spec: JobSpec, driverId?: string): Promise<Observation> {
    const known = ended.get(key);
    if (known !== undefined) return known;
    const id = driverId === undefined ? {} : { engineJobId: driverId };
    if (await identity.finished(spec)) return { key, state: 'succeeded', nativeState: 'NOT_FOUND', ...id };
    return { key, state: 'unknown', nativeState: 'NOT_FOUND', ...id };
  }

  /** One job of a list: what nobody can answer now (the store is away) is left out, so that it stops no other job. */
  async function fromList(
    handle: JobHandle,
    master: MasterView,
    signal?: AbortSignal,
  ): Promise<Observation | undefined> {
    const { key, spec, engineJobId } = handle;
    const known = ended.get(key);
    if (known !== undefined) return known;
    try {
      const driverId = engineJobId ?? (await identity.driverOf(spec));
      if (driverId === CANCELLED_CLAIM) return withdrawn(key);
      if (driverId === undefined) return await notFound(key, spec);
      const { state, workerId } = master.drivers.get(driverId) ?? { state: 'NOT_FOUND' };
      const native = { driverId, state, ...(workerId === undefined ? {} : { workerId }) };
      return await judge(key, spec, native, master, signal);
    } catch (error) {
      if (isSluiceError(error, 'STORE_UNREACHABLE')) return undefined;
      throw error;
    }
  }

  async function observe({ key, spec, engineJobId }: JobHandle, signal?: AbortSignal): Promise<Observation> {
    const driverId = await identity.driverOf(spec, engineJobId);
    if (driverId === CANCELLED_CLAIM) return withdrawn(key);
    const master = await client.master(signal);
    const id = driverId ?? (await identity.suspects(spec, key, master)).ours;
    if (id === undefined) return notFound(key, spec);
    return judge(key, spec, { driverId: id, ...(await client.driver(id, signal)) }, master, signal);
  }

  async function find(handle: JobHandle, signal?: AbortSignal): Promise<Observation | undefined> {
    const seen = await observe(handle, signal);
    return seen.nativeState === 'NOT_FOUND' && !isTerminal(seen.state) ? undefined : seen;
  }

  /** Neither the driver nor its application holds anything any more. */
  async function isGone(spec: JobSpec, ids: readonly string[], signal?: AbortSignal): Promise<true | undefined> {
    const master = await client.master(signal);
    const held = ids.some((id) => master.drivers.get(id)?.active === true) || appOf(spec, master)?.active === true;
    return held ? undefined : true;
  }

  return {
    name: 'spark',
    cluster: config.cluster,
    capabilities: { callerChosenId: false, savepoints: false, batch: true },
    observe,
    find,

    async submit(spec, key, signal) {
      const there = await find({ key, spec }, signal);
      if (there !== undefined) return there;
      const driverId = await submitDriver(submission, { client, identity, ...deps }, spec, key, signal);
      if (driverId === CANCELLED_CLAIM) return withdrawn(key);
      const seen = await observe({ key, spec, engineJobId: driverId }, signal);
      // The master answered with this id a moment ago, so a list without it is a list from before.
      return seen.nativeState === 'NOT_FOUND' && !isTerminal(seen.state)
        ? { key, state: 'starting', nativeState: 'SUBMITTED', engineJobId: driverId, link: client.uiUrl }
        : seen;
    },

    async observeAll(handles, signal) {
      const master = await client.master(signal);
      const wanted = new Set(handles.map((handle) => handle.key));
      for (const key of seenRunning) if (!wanted.has(key)) seenRunning.delete(key);
      for (const key of ended.keys()) if (!wanted.has(key)) ended.delete(key);
      const all = new Map<string, Observation>();
      for (const handle of handles) {
        const seen = await fromList(handle, master, signal);
        if (seen !== undefined) all.set(handle.key, seen);
      }
      return all;
    },

    async cancel(handle, signal) {
      const { key, spec, engineJobId } = handle;
      const known = await identity.driverOf(spec, engineJobId);
      // With no driver known, the claim is taken for nobody: a driver that comes up later loses it and does nothing.
      if (known === undefined && (await identity.claimForNobody(spec))) return withdrawn(key);
      const driverId = known ?? (await identity.driverOf(spec));
      const ids = [...new Set([driverId, engineJobId])].filter(
        (id): id is string => id !== undefined && id !== CANCELLED_CLAIM,
      );
      for (const id of ids) await client.kill(id, signal);
      await waitFor(() => isGone(spec, ids, signal), {
        deadlineMs: config.cancelMs ?? 60_000,
        intervalMs: lookMs,
        signal,
      });
      return observe(handle, signal);
    },

    async logs(handle, maxBytes, signal) {
      const driverId = await identity.driverOf(handle.spec, handle.engineJobId);
      if (driverId === undefined || driverId === CANCELLED_CLAIM) return '';
      const native = { driverId, ...(await client.driver(driverId, signal)) };
      return (await logOf(native, await client.master(signal), maxBytes, signal)) ?? '';
    },

    async ping(signal) {
      const [version] = await Promise.all([client.version(signal), client.master(signal)]);
      return { version };
    },
  };
}

/** The newest application that carries our tag. */
function appOf(spec: JobSpec, master: MasterView): SparkApp | undefined {
  const named = master.apps.filter((app) => app.name.startsWith(`${spec.tag} `));
  return named.find((app) => app.active) ?? named.at(-1);
}

const withdrawn = (key: string): Observation => ({
  key,
  state: 'cancelled',
  nativeState: 'WITHDRAWN',
  reason: 'cancelled before any driver had claimed the job',
});

function waitingReason(driver: string, app: SparkApp | undefined, { free }: MasterView): string {
  const left = `${free.cores} of ${free.allCores} cores and ${free.memoryMb} of ${free.allMemoryMb} MB free`;
  if (driver === 'SUBMITTED') return `driver waits for a worker; ${left}`;
  if (app === undefined) return `driver runs, no application yet; ${left}`;
  return `no executor: application ${app.state} with ${app.cores} cores; ${left}`;
}
