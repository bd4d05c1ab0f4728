/** Reads the instances of an application on this host and says as one observation how the application is. */
import { open } from 'node:fs/promises';
import { classifyFailure, lastLines } from '../failure-text.js';
import { isTerminal } from '../job-state.js';
import type { Blame, Observation } from '../port.js';
import { waitFor } from '../waiting.js';
import { livingProcess, readStatusPage } from './client.js';
import { streamsState } from './native-states.js';
import { isSameProcess } from './processes.js';
import type { InstanceRecord, StatusPage } from './schemas.js';
import { recordsOf } from './state-files.js';

export interface StreamsObserverOptions {
  cluster: string;
  stateRoot: string;
  pageGraceMs: number;
}

/** What one instance says about itself. */
interface Part {
  said: Omit<Observation, 'key'>;
  page?: StatusPage;
}

const LOG_TAIL_BYTES = 64 * 1024;
const EXIT_NOTE_MS = 1_000;
/** The JVM's own exit code under -XX:+ExitOnOutOfMemoryError. */
const OUT_OF_MEMORY_EXIT = 3;
/** 128 + the signal's number, as a shell or a container reports it. */
const FIRST_SIGNAL_EXIT = 129;
/**
 * What the end of the process says by itself: bad spec, state directory held by a twin, did not close in time; the JVM's
 * heap; and signals, which come from this machine or a person on it whatever the log holds from before. The others go by the log.
 */
const EXIT_BLAME = new Map<unknown, Blame>([
  [OUT_OF_MEMORY_EXIT, 'resources'],
  // A clean end that we did not ask for: somebody asked the process itself.
  [0, 'platform'],
  [64, 'user'],
  [73, 'platform'],
  [75, 'platform'],
  ...['SIGKILL', 'SIGTERM', 'SIGABRT', 'SIGSEGV', 'SIGBUS'].map((signal) => [signal, 'platform'] as const),
  ...[134, 135, 137, 139, 143].map((code) => [code, 'platform'] as const),
]);

export function createStreamsObserver({ cluster, stateRoot, pageGraceMs }: StreamsObserverOptions) {
  /** Jobs seen RUNNING by this process: for them rebalancing is normal life. */
  const seenRunning = new Set<string>();

  async function partOf(record: InstanceRecord, signal?: AbortSignal): Promise<Part> {
    const known = await livingProcess(record);
    if (known === undefined) {
      if (record.process !== undefined || record.exit !== undefined) return { said: await endOf(record) };
      return (await isSameProcess(record.starter))
        ? { said: { state: 'starting', nativeState: 'SPAWNING' } }
        : { said: { state: 'unknown', nativeState: 'NOT_FOUND' } };
    }
    const engineJobId = `${known.pid}@${cluster}`;
    const answer = await readStatusPage({ ...record, process: known }, signal);
    if (answer === undefined) return { said: { ...withoutPage(record), engineJobId } };
    const { page, url } = answer;
    const state = streamsState(page.state, seenRunning.has(record.key));
    if (state === 'running') seenRunning.add(record.key);
    return { said: { state, nativeState: page.state, engineJobId, link: url, ...failureOnPage(page) }, page };
  }

  /** A JVM that lives but says nothing: young ones are on their way, for old ones nobody knows. */
  function withoutPage(record: InstanceRecord): Part['said'] {
    const young = Date.now() - Date.parse(record.intentAt) < pageGraceMs;
    return young
      ? { state: 'starting', nativeState: 'NO_STATUS_YET' }
      : { state: 'unknown', nativeState: 'NO_STATUS', reason: 'the process lives, its status page does not answer' };
  }

  async function endOf(seen: InstanceRecord): Promise<Part['said']> {
    const record = (await withExit(seen)) ?? seen;
    const engineJobId = `${record.process?.pid ?? 0}@${cluster}`;
    if (record.stopRequestedAt !== undefined) {
      return { state: 'cancelled', nativeState: 'STOPPED', engineJobId, reason: 'stopped on request' };
    }
    const log = await tailOf(record.logFile, LOG_TAIL_BYTES);
    const code = record.exit?.code ?? record.exit?.signal ?? undefined;
    const known = EXIT_BLAME.get(code);
    const signalled = typeof code === 'string' || (code ?? 0) >= FIRST_SIGNAL_EXIT;
    // A process that was ended by a signal did not fail by what it may have logged before.
    const read = known === 'platform' ? undefined : classifyFailure(log);
    const how = code === undefined ? 'the process is gone' : `the process ended (${code})`;
    const why = read?.reason ?? (signalled ? '' : lastLines(log));
    return {
      state: 'failed',
      nativeState: 'GONE',
      engineJobId,
      reason: why === '' ? how : `${how}: ${why}`,
      blame: known ?? read?.blame ?? 'platform',
      outOfMemory: code === OUT_OF_MEMORY_EXIT || (known === undefined && read?.outOfMemory === true),
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

  return {
    async combine(key: string, records: readonly InstanceRecord[], signal?: AbortSignal): Promise<Observation> {
      const parts = await Promise.all(records.map((record) => partOf(record, signal)));
      const living = parts.filter(({ said }) => !isTerminal(said.state) && said.nativeState !== 'NOT_FOUND');
      const gone = parts.filter(({ said }) => isTerminal(said.state));
      const shown = worst(living) ?? gone.find(({ said }) => said.state === 'failed') ?? gone[0];
      if (shown === undefined) return { key, state: 'unknown', nativeState: 'NOT_FOUND' };
      const degraded = living.length > 0 && gone.length > 0;
      const first = gone[0]?.said.reason ?? 'no reason';
      return {
        key,
        ...shown.said,
        ...(degraded ? { reason: `${gone.length} of ${parts.length} instances gone: ${first}` } : {}),
        ...progressOf(living),
      };
    },

    /** Forgets what it knows of jobs that are watched no more. */
    keepOnly(keys: ReadonlySet<string>): void {
      for (const key of seenRunning) if (!keys.has(key)) seenRunning.delete(key);
    },
  };
}

/** The state furthest from running stands for the whole application. */
function worst(parts: readonly Part[]): Part | undefined {
  const order: readonly string[] = ['unknown', 'stopping', 'starting', 'running'];
  return [...parts].sort((a, b) => order.indexOf(a.said.state) - order.indexOf(b.said.state))[0];
}

function progressOf(parts: readonly Part[]): Pick<Observation, 'progress'> {
  const pages = parts.flatMap(({ page }) => (page === undefined ? [] : [page]));
  if (pages.length === 0) return {};
  const lags = pages.flatMap(({ lag }) => (lag === null ? [] : [lag]));
  return {
    progress: {
      instances: parts.length,
      uptimeMs: Math.max(...pages.map(({ uptimeMs }) => uptimeMs)),
      records: pages.reduce((sum, { records }) => sum + (records ?? 0), 0),
      // Each instance tells the lag of the whole application; one that does not know it makes the figure unknown.
      ...(lags.length === pages.length ? { lag: Math.max(...lags) } : {}),
    },
  };
}

function failureOnPage(page: StatusPage): Partial<Part['said']> {
  if (page.error == null) return {};
  const { topic, partition, offset, message, class: className } = page.error;
  const place = topic == null ? '' : ` (${topic}-${partition ?? '?'}@${offset ?? '?'})`;
  const verdict = classifyFailure(`${className}: ${(message ?? '').split('\n', 1)[0] ?? ''}`);
  return {
    reason: `${verdict?.reason ?? className}${place}`,
    blame: verdict?.blame ?? 'user',
    outOfMemory: verdict?.outOfMemory ?? false,
  };
}

/** The last bytes of a log file; empty when there is none. */
export async function tailOf(path: string, maxBytes: number): Promise<string> {
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
