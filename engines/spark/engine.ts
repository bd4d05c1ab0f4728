/** Spark standalone: drivers are posted to the submission server, found by their claim, and believed only with their manifest. */
import type { JarCatalog } from '../artifacts.js';
import type { ObjectStore } from '../object-store.js';
import type { EnginePort, JobHandle, JobSpec, Observation, TaggedJob } from '../port.js';
import { keyOfTag } from '../tags.js';
import { waitFor } from '../waiting.js';
import { createSparkClient } from './client.js';
import { CANCELLED_CLAIM, createSparkIdentity } from './identity.js';
import type { DriverLedger } from './identity.js';
import { hasExecutor } from './native-states.js';
import { appOf, createSparkObserver, isMissing, withdrawn } from './observer.js';
import { submitDriver } from './submission.js';

export interface SparkEngineConfig {
  cluster: string;
  /** The submission server, e.g. `http://127.0.0.1:6066`. */
  restUrl: string;
  /** The master's web page. */
  uiUrl: string;
  historyUrl?: string;
  /** Bucket that takes the job jars, under `_artifacts/`. */
  bucket: string;
  /** Added to every job's properties, e.g. event log settings; must hold no secrets, the master shows them. */
  properties?: Readonly<Record<string, string>>;
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
  /** Lets a repeated submission tell drivers of other submissions from strangers. */
  ledger?: DriverLedger;
}

export function createSparkEngine(config: SparkEngineConfig, deps: SparkEngineDeps): EnginePort {
  const submitTimeoutMs = config.submitTimeoutMs ?? 30_000;
  const lookMs = config.lookMs ?? 1_000;
  const client = createSparkClient({ ...config, timeoutMs: config.timeoutMs ?? 10_000, submitTimeoutMs });
  const identity = createSparkIdentity(deps.objects, deps.ledger);
  const observer = createSparkObserver(client, identity, config.historyUrl);
  const submission = {
    cluster: config.cluster,
    bucket: config.bucket,
    properties: config.properties ?? {},
    submitTimeoutMs,
    resolveMs: config.resolveMs ?? 60_000,
    lookMs,
  };
  const observe: EnginePort['observe'] = (handle, signal) => observer.observe(handle, signal);

  async function find(handle: JobHandle, signal?: AbortSignal): Promise<Observation | undefined> {
    const seen = await observe(handle, signal);
    return isMissing(seen) ? undefined : seen;
  }

  async function cancel(handle: JobHandle, signal?: AbortSignal): Promise<Observation> {
    const { spec, engineJobId } = handle;
    await identity.claimForNobody(spec, CANCELLED_CLAIM);
    const ids = await identity.driversOf(spec, engineJobId);
    for (const id of ids) await client.kill(id, signal);
    await endWithoutDriver(spec, ids, signal);
    await waitFor(async () => ((await observer.isGone(spec, ids, signal)) ? true : undefined), {
      deadlineMs: config.cancelMs ?? 60_000,
      intervalMs: lookMs,
      signal,
    });
    return observe(handle, signal);
  }

  /** A driver whose worker was lost has ended for the master, and may have an application all the same. */
  async function endWithoutDriver(spec: JobSpec, driverIds: readonly string[], signal?: AbortSignal): Promise<void> {
    const master = await client.master(signal);
    if (driverIds.some((id) => master.drivers.get(id)?.active === true)) return;
    const app = appOf(spec, master);
    if (app?.active === true) await client.killApp(app.id, signal);
  }

  return {
    name: 'spark',
    cluster: config.cluster,
    capabilities: { callerChosenId: false, savepoints: false, batch: true },
    observe,
    observeAll: (handles, signal) => observer.observeAll(handles, signal),
    find,

    async submit(spec, key, signal) {
      const there = await find({ key, spec }, signal);
      if (there !== undefined) return there;
      const driverId = await submitDriver(submission, { client, identity, ...deps }, spec, key, signal);
      if (driverId === CANCELLED_CLAIM) return withdrawn(key);
      const seen = await observe({ key, spec, engineJobId: driverId }, signal);
      if (!isMissing(seen)) return seen;
      // The master answered with this id a moment ago, so a list without it is a list from before.
      return { key, state: 'starting', nativeState: 'SUBMITTED', engineJobId: driverId, link: client.uiUrl };
    },

    cancel,
    stopWithSavepoint: (handle, _triggerId, signal) => cancel(handle, signal),

    /** Drivers have no names at the master, so only what has an application is seen here. */
    async tagged(installation, signal) {
      const { apps } = await client.master(signal);
      return apps.flatMap((app): TaggedJob[] => {
        const key = app.active ? keyOfTag(app.name, installation) : undefined;
        if (key === undefined) return [];
        const state = hasExecutor(app) ? 'running' : 'starting';
        return [{ key, engineJobId: app.id, state, nativeState: app.state }];
      });
    },

    async logs(handle, maxBytes, signal) {
      const driverId = await identity.driverOf(handle.spec, handle.engineJobId);
      return driverId === undefined || driverId === CANCELLED_CLAIM ? '' : observer.log(driverId, maxBytes, signal);
    },

    async ping(signal) {
      const [version] = await Promise.all([client.version(signal), client.master(signal)]);
      return { version };
    },
  };
}
