/** Kafka Streams on this host: applications are JVMs in process groups of their own, believed by identity and by their status page. */
import { open, readdir, mkdir, access, constants } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SluiceError } from '../../infra/errors.js';
import type { JarCatalog } from '../artifacts.js';
import { classifyFailure, lastLines } from '../failure-text.js';
import { isTerminal } from '../job-state.js';
import type { EnginePort, JobHandle, Observation } from '../port.js';
import { waitFor } from '../waiting.js';
import { livingProcess, readStatusPage } from './client.js';
import { startInstance, stopInstance } from './launcher.js';
import { streamsState } from './native-states.js';
import { isSameProcess } from './processes.js';
import type { InstanceRecord, StatusPage } from './schemas.js';
import { allRecords, recordsOf } from './state-files.js';

export interface KafkaStreamsEngineConfig {
  /** Name of this host. */
  cluster: string;
  /** Folder for records, logs and local state. */
  stateRoot: string;
  java?: string;
  jvmOptions?: readonly string[];
  /** Environment of the JVMs; nothing else is passed on, so no secret of the worker is. */
  env: Readonly<Record<string, string>>;
  /** How long SIGTERM may take before SIGKILL. Default 30 s. */
  stopMs?: number;
  /** How long a living JVM may be without a status page before that counts as no answer. Default 60 s. */
  pageGraceMs?: number;
}

export interface KafkaStreamsEngineDeps {
  jars: JarCatalog;
}

const LOG_TAIL_BYTES = 64 * 1024;
const EXIT_NOTE_MS = 1_000;
const DEFAULT_JVM_OPTIONS = [
  '-Xss512k',
  '-XX:+UseSerialGC',
  '-XX:+ExitOnOutOfMemoryError',
  '-Djava.awt.headless=true',
  '-Duser.timezone=UTC',
];
/** glibc keeps an arena per thread otherwise, which costs more than the heap. */
const DEFAULT_ENV = { MALLOC_ARENA_MAX: '2' };

/** What one instance says about itself. */
interface Part {
  said: Omit<Observation, 'key'>;
  page?: StatusPage;
}

export function createKafkaStreamsEngine(config: KafkaStreamsEngineConfig, deps: KafkaStreamsEngineDeps): EnginePort {
  const { stateRoot } = config;
  const stopMs = config.stopMs ?? 30_000;
  const pageGraceMs = config.pageGraceMs ?? 60_000;
  const seenRunning = new Set<string>();

  async function partOf(record: InstanceRecord, signal?: AbortSignal): Promise<Part> {
    const known = await livingProcess(record);
    if (known === undefined) {
      if (record.process === undefined && record.exit === undefined) {
        return (await isSameProcess(record.starter))
          ? { state: 'starting', nativeState: 'SPAWNING' }
          : { state: 'unknown', nativeState: 'NOT_FOUND' };
      }
      return endOf(record);
    }
    const engineJobId = `${known.pid}@${config.cluster}`;
    const answer = await readStatusPage({ ...record, process: known }, signal);
    if (answer === undefined) return { ...withoutPage(record), engineJobId };
    const { page } = answer;
    const state = streamsState(page.state, seenRunning.has(record.key));
    if (state === 'running') seenRunning.add(record.key);
    return {
      state,
      nativeState: page.state,
      engineJobId,
      link: answer.url,
      lag: page.lag,
      uptimeMs: page.uptimeMs,
      ...(page.records === undefined ? {} : { records: page.records }),
      ...failureOnPage(page),
    };
  }

  /** A JVM that lives but says nothing: young ones are on their way, for old ones nobody knows. */
  function withoutPage(record: InstanceRecord): Part {
    const young = Date.now() - Date.parse(record.intentAt) < pageGraceMs;
    return young
      ? { state: 'starting', nativeState: 'NO_STATUS_YET' }
      : { state: 'unknown', nativeState: 'NO_STATUS', reason: 'the process lives, its status page does not answer' };
  }

  async function endOf(seen: InstanceRecord): Promise<Part> {
    const record = (await withExit(seen)) ?? seen;
    const engineJobId = `${record.process?.pid ?? 0}@${config.cluster}`;
    if (record.stopRequestedAt !== undefined) {
      return { state: 'cancelled', nativeState: 'STOPPED', engineJobId, reason: 'stopped on request' };
    }
    const log = await tail(record.logFile, LOG_TAIL_BYTES);
    const read = classifyFailure(log);
    const code = record.exit?.code ?? record.exit?.signal ?? undefined;
    const how = code === undefined ? 'the process is gone' : `the process ended (${code})`;
    const why = read?.reason ?? lastLines(log);
    return {
      state: 'failed',
      nativeState: 'GONE',
      engineJobId,
      reason: why === '' ? how : `${how}: ${why}`,
      blame:
        typeof code === 'number' && code in EXIT_BLAME
          ? EXIT_BLAME[code as keyof typeof EXIT_BLAME]
          : (read?.blame ?? 'platform'),
      outOfMemory: read?.outOfMemory ?? code === OUT_OF_MEMORY_EXIT,
    };
  }

  /** The exit code follows the end by a moment, if the process that started the instance still lives. */
  async function withExit(record: InstanceRecord): Promise<InstanceRecord | undefined> {
    if (record.exit !== undefined || !(await isSameProcess(record.starter))) return record;
    return waitFor(
      async () => {
        const now = (await recordsOf(stateRoot, record.key)).find((one) => one.index === record.index);
        return now?.exit === undefined ? undefined : now;
      },
      { deadlineMs: EXIT_NOTE_MS, intervalMs: 50 },
    );
  }

  async function combine(key: string, records: readonly InstanceRecord[], signal?: AbortSignal): Promise<Observation> {
    const parts = await Promise.all(records.map((record) => partOf(record, signal)));
    const living = parts.filter((part) => !isTerminal(part.state) && part.nativeState !== 'NOT_FOUND');
    const gone = parts.filter((part) => isTerminal(part.state));
    const shown = worst(living) ?? gone.find((part) => part.state === 'failed') ?? gone[0];
    if (shown === undefined) return { key, state: 'unknown', nativeState: 'NOT_FOUND' };
    const { lag: _lag, records: _records, uptimeMs: _uptimeMs, ...said } = shown;
    const degraded = living.length > 0 && gone.length > 0;
    return {
      key,
      ...said,
      ...(degraded
        ? { reason: `${gone.length} of ${parts.length} instances gone: ${gone[0]?.reason ?? 'no reason'}` }
        : {}),
      ...progressOf(living),
    };
  }

  async function observe(handle: JobHandle, signal?: AbortSignal): Promise<Observation> {
    return combine(handle.key, await recordsOf(stateRoot, handle.key).catch(hostAway), signal);
  }

  function hostAway(cause: unknown): never {
    throw new SluiceError(
      'ENGINE_UNREACHABLE',
      `host ${config.cluster}: its state folder ${stateRoot} cannot be read`,
      { cause },
    );
  }

  return {
    name: 'kafka-streams',
    cluster: config.cluster,
    capabilities: { callerChosenId: true, savepoints: false, batch: false },
    observe,

    async submit(spec, key, signal) {
      const jar = await deps.jars.jarOf(spec.module);
      const options = {
        stateRoot,
        stopMs,
        java: config.java ?? 'java',
        classPath: `${jar.path}:${join(dirname(jar.path), 'lib', '*')}`,
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
      const wanted = new Set(handles.map((handle) => handle.key));
      for (const key of seenRunning) if (!wanted.has(key)) seenRunning.delete(key);
      const all = await Promise.all(
        handles.map(async ({ key }) => [key, await combine(key, records.get(key) ?? [], signal)] as const),
      );
      return new Map(all);
    },

    async cancel(handle, signal) {
      const records = await recordsOf(stateRoot, handle.key).catch(hostAway);
      await Promise.all(records.map((record) => stopInstance({ stateRoot, stopMs }, record)));
      return observe(handle, signal);
    },

    async logs(handle, maxBytes) {
      const records = await recordsOf(stateRoot, handle.key).catch(hostAway);
      const share = Math.max(1, Math.floor(maxBytes / Math.max(1, records.length)));
      const texts = await Promise.all(records.map((record) => tail(record.logFile, share)));
      return texts.join('');
    },

    async ping() {
      await mkdir(stateRoot, { recursive: true }).catch(hostAway);
      await access(stateRoot, constants.R_OK | constants.W_OK).catch(hostAway);
      const jar = await deps.jars.jarOf('kafka-streams');
      const names = await readdir(join(dirname(jar.path), 'lib')).catch(() => []);
      const version = names
        .map((name) => /^kafka-streams-(\d[\w.]*)\.jar$/.exec(name)?.[1])
        .find((found) => found !== undefined);
      return { version: version ?? 'unknown' };
    },
  };
}

/** Exit codes of our stream jobs: bad spec, state directory held by a twin, did not close in time. */
const EXIT_BLAME = { 64: 'user', 73: 'platform', 75: 'platform' } as const;
/** The JVM's own exit code under -XX:+ExitOnOutOfMemoryError. */
const OUT_OF_MEMORY_EXIT = 3;

/** The state furthest from running stands for the whole application. */
function worst(parts: readonly Part[]): Part | undefined {
  const order: readonly string[] = ['unknown', 'stopping', 'starting', 'running'];
  return [...parts].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))[0];
}

function progressOf(parts: readonly Part[]): Pick<Observation, 'progress'> {
  const pages = parts.filter((part) => part.uptimeMs !== undefined);
  if (pages.length === 0) return {};
  const lags = pages.map((part) => part.lag);
  const lag = lags.every((one) => typeof one === 'number') ? Math.max(0, ...lags) : undefined;
  return {
    progress: {
      instances: parts.length,
      uptimeMs: Math.max(...pages.map((part) => part.uptimeMs ?? 0)),
      records: pages.reduce((sum, part) => sum + (part.records ?? 0), 0),
      ...(lag === undefined ? {} : { lag }),
    },
  };
}

function failureOnPage(page: StatusPage): Partial<Part> {
  if (page.error == null) return {};
  const { topic, partition, offset, message } = page.error;
  const className = page.error.class;
  const place = topic == null ? '' : ` (${topic}-${partition ?? '?'}@${offset ?? '?'})`;
  const verdict = classifyFailure(`${className}: ${message ?? ''}`);
  return {
    reason: `${verdict?.reason ?? className}${place}`,
    blame: verdict?.blame ?? 'user',
    outOfMemory: verdict?.outOfMemory ?? false,
  };
}

async function tail(path: string, maxBytes: number): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return '';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, maxBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
