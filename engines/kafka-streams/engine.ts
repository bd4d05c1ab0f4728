/** Kafka Streams on this host: applications are JVMs in process groups of their own, believed by identity and by their status page. */
import { access, constants, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SluiceError } from '../../infra/errors.js';
import type { JarCatalog } from '../artifacts.js';
import type { EnginePort, JobHandle, Observation, TaggedJob } from '../port.js';
import { keyOfTag } from '../tags.js';
import { startInstance, stopInstance } from './launcher.js';
import { createStreamsObserver, tailOf } from './observer.js';
import { allRecords, recordsOf } from './state-files.js';

export interface KafkaStreamsEngineConfig {
  /** Name of this host. */
  cluster: string;
  /** Folder for records, logs and local state. */
  stateRoot: string;
  java?: string;
  jvmOptions?: readonly string[];
  /** Environment of the JVMs; nothing else is passed on, so no secret of the worker is. `PATH` finds a bare `java`. */
  env: Readonly<Record<string, string>>;
  /** How long SIGTERM may take before SIGKILL. Default 30 s. */
  stopMs?: number;
  /** How long a living JVM may be without a status page before that counts as no answer. Default 60 s. */
  pageGraceMs?: number;
}

export interface KafkaStreamsEngineDeps {
  jars: JarCatalog;
}

const DEFAULT_JVM_OPTIONS = [
  '-Xss512k',
  '-XX:+UseSerialGC',
  '-XX:+ExitOnOutOfMemoryError',
  '-Djava.awt.headless=true',
  '-Duser.timezone=UTC',
];
/** glibc keeps an arena per thread otherwise, which costs more than the heap. */
const DEFAULT_ENV = { MALLOC_ARENA_MAX: '2' };

export function createKafkaStreamsEngine(config: KafkaStreamsEngineConfig, deps: KafkaStreamsEngineDeps): EnginePort {
  const { stateRoot, cluster } = config;
  const stopMs = config.stopMs ?? 30_000;
  const observer = createStreamsObserver({ cluster, stateRoot, pageGraceMs: config.pageGraceMs ?? 60_000 });

  async function observe({ key }: JobHandle, signal?: AbortSignal): Promise<Observation> {
    return observer.combine(key, await recordsOf(stateRoot, key).catch(hostAway), signal);
  }

  function hostAway(cause: unknown): never {
    const message = `host ${cluster}: its state folder ${stateRoot} cannot be read and written`;
    throw new SluiceError('ENGINE_UNREACHABLE', message, { cause });
  }

  async function cancel(handle: JobHandle, signal?: AbortSignal): Promise<Observation> {
    const records = await recordsOf(stateRoot, handle.key).catch(hostAway);
    await Promise.all(records.map((record) => stopInstance({ stateRoot, stopMs }, record)));
    return observe(handle, signal);
  }

  return {
    name: 'kafka-streams',
    cluster,
    capabilities: { callerChosenId: true, savepoints: false, batch: false },
    observe,

    async submit(spec, key, signal) {
      const options = {
        stateRoot,
        stopMs,
        java: config.java ?? 'java',
        classPath: async () => {
          const jar = await deps.jars.jarFor(spec.module, spec.mainClass);
          return `${jar.path}:${join(dirname(jar.path), 'lib', '*')}`;
        },
        jvmOptions: config.jvmOptions ?? DEFAULT_JVM_OPTIONS,
        env: { ...DEFAULT_ENV, ...config.env },
      };
      await mkdir(stateRoot, { recursive: true }).catch(hostAway);
      const instances = Math.max(1, spec.resources.instances ?? 1);
      for (let index = 0; index < instances; index += 1) await startInstance(options, spec, key, index);
      return observe({ key, spec }, signal);
    },

    async find(handle, signal) {
      const seen = await observe(handle, signal);
      return seen.nativeState === 'NOT_FOUND' ? undefined : seen;
    },

    async observeAll(handles, signal) {
      const records = await allRecords(stateRoot).catch(hostAway);
      observer.keepOnly(new Set(handles.map((handle) => handle.key)));
      const all = await Promise.all(
        handles.map(async ({ key }) => [key, await observer.combine(key, records.get(key) ?? [], signal)] as const),
      );
      return new Map(all);
    },

    cancel,
    /** A stream closes its tasks and commits when it ends; that is all the savepoint there is. */
    stopWithSavepoint: (handle, _triggerId, signal) => cancel(handle, signal),

    async tagged(installation, signal) {
      const records = await allRecords(stateRoot).catch(hostAway);
      const ours = [...records].filter(([, list]) => list.some(({ tag }) => keyOfTag(tag ?? '', installation)));
      const seen = await Promise.all(ours.map(([key, list]) => observer.combine(key, list, signal)));
      return seen.flatMap(({ key, state, nativeState, engineJobId }): TaggedJob[] =>
        engineJobId === undefined || nativeState === 'STOPPED' || nativeState === 'GONE'
          ? []
          : [{ key, engineJobId, state, nativeState }],
      );
    },

    async logs(handle, maxBytes) {
      const records = await recordsOf(stateRoot, handle.key).catch(hostAway);
      const share = Math.max(1, Math.floor(maxBytes / Math.max(1, records.length)));
      return (await Promise.all(records.map((record) => tailOf(record.logFile, share)))).join('');
    },

    async ping() {
      await mkdir(stateRoot, { recursive: true }).catch(hostAway);
      await access(stateRoot, constants.R_OK | constants.W_OK).catch(hostAway);
      const jar = await deps.jars.jarOf('kafka-streams');
      const names = await readdir(join(dirname(jar.path), 'lib')).catch(() => []);
      const version = names.flatMap((name) => /^kafka-streams-(\d[\w.]*)\.jar$/.exec(name)?.[1] ?? [])[0];
      return { version: version ?? 'unknown' };
    },
  };
}
