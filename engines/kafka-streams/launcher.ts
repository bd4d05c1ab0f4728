/** Starts and ends one instance: intent on disk, then the process, then its identity; and never two of one application instance. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SluiceError } from '../../infra/errors.js';
import type { JobSpec } from '../port.js';
import { waitFor } from '../waiting.js';
import { instanceArgument, keyArgument, livingProcess, readStatusPage } from './client.js';
import { takeInstanceLock } from './instance-lock.js';
import { identityOf, isSameProcess, signalProcess } from './processes.js';
import { recordSchema } from './schemas.js';
import type { InstanceRecord, LockHolder } from './schemas.js';
import { readJsonFile, recordFile, recordsFolder, writeRecord } from './state-files.js';

export interface LaunchOptions {
  stateRoot: string;
  java: string;
  /** Asked before anything is begun, and only when there is something to start; throws when the jar cannot be right. */
  classPath: () => Promise<string>;
  jvmOptions: readonly string[];
  env: Readonly<Record<string, string>>;
  stopMs: number;
}

/** Starts that are under way in this process, whichever adapter began them: their lock is alive before any process is. */
const underWay = new Set<string>();
const DEFAULT_MEMORY_MB = 384;
/** What a JVM of our stream jobs needs beside its heap: RocksDB (bounded), metaspace, threads. */
const OFF_HEAP_MB = 192;
const MIN_HEAP_MB = 128;
const KILL_MS = 10_000;

/** Starts the instance, or returns the record of the one that runs or ran under this key already. */
export async function startInstance(
  options: LaunchOptions,
  spec: JobSpec,
  key: string,
  index: number,
): Promise<InstanceRecord> {
  const { stateRoot } = options;
  const file = recordFile(stateRoot, key, index);
  const earlier = await readJsonFile(file, recordSchema);
  if (earlier !== undefined && (earlier.process !== undefined || (await livingProcess(earlier)) !== undefined))
    return earlier;
  const classPath = await options.classPath();
  const applicationId = textOf(spec, 'applicationId') ?? textOf(spec, 'groupId') ?? spec.name;
  const instanceId = `${applicationId}-${index}`;
  const folder = join(stateRoot, 'instances', fileName(instanceId));
  const starter = await ownIdentity();
  const slot = `${stateRoot}|${key}|${index}`;
  if (underWay.has(slot)) return waitForTwin(file, spec);
  underWay.add(slot);
  try {
    await takeOver(options, folder, { key, index, starter }, spec);
    // A twin may have started and even ended while we waited for the lock.
    const twin = await readJsonFile(file, recordSchema);
    if (twin?.process !== undefined) return twin;
    const base = join(recordsFolder(stateRoot), `${key}-${index}`);
    const record: InstanceRecord = {
      key,
      index,
      applicationId,
      instanceId,
      name: spec.name,
      tag: spec.tag,
      intentAt: new Date().toISOString(),
      starter,
      logFile: `${base}.log`,
      statusFile: `${base}.status`,
    };
    await writeRecord(stateRoot, record);
    return await launch({ ...options, classPath }, spec, record, join(folder, 'state'));
  } finally {
    underWay.delete(slot);
  }
}

/** Ends one instance: asks, waits, insists; only ever the process that the record is about. */
export async function stopInstance(
  options: Pick<LaunchOptions, 'stateRoot' | 'stopMs'>,
  record: InstanceRecord,
): Promise<void> {
  const known = await livingProcess(record);
  if (known === undefined) return;
  await writeRecord(options.stateRoot, { ...record, process: known, stopRequestedAt: new Date().toISOString() });
  const gone = async () => ((await isSameProcess(known)) ? undefined : true);
  signalProcess(known.pid, 'SIGTERM');
  if (await waitFor(gone, { deadlineMs: options.stopMs, intervalMs: 100 })) return;
  if (await isSameProcess(known)) signalProcess(-known.pid, 'SIGKILL');
  await waitFor(gone, { deadlineMs: KILL_MS, intervalMs: 50 });
}

/** Takes the instance's lock; a predecessor that can do nothing more (ERROR) is ended first, a living one is left alone. */
async function takeOver(options: LaunchOptions, folder: string, mine: LockHolder, spec: JobSpec): Promise<void> {
  for (let round = 0; ; round += 1) {
    const lock = await takeInstanceLock(folder, mine, (holder) => holdsStill(options.stateRoot, holder));
    if (lock.taken) return;
    const holder = await readJsonFile(recordFile(options.stateRoot, lock.holder.key, lock.holder.index), recordSchema);
    const page = holder === undefined ? undefined : await readStatusPage(holder);
    if (holder !== undefined && page?.page.state === 'ERROR' && round === 0) await stopInstance(options, holder);
    else {
      throw new SluiceError(
        'JOB_NOT_READY',
        `${spec.name}: its instance is still held by submission ${lock.holder.key}`,
        {
          details: { heldBy: lock.holder.key },
        },
      );
    }
  }
}

async function holdsStill(stateRoot: string, holder: LockHolder): Promise<boolean> {
  const record = await readJsonFile(recordFile(stateRoot, holder.key, holder.index), recordSchema);
  if (record !== undefined && (await livingProcess(record)) !== undefined) return true;
  if (record?.process !== undefined || record?.exit !== undefined) return false;
  const own = holder.starter.pid === process.pid && (await isSameProcess(holder.starter));
  return own ? underWay.has(`${stateRoot}|${holder.key}|${holder.index}`) : isSameProcess(holder.starter);
}

async function launch(
  options: Omit<LaunchOptions, 'classPath'> & { classPath: string },
  spec: JobSpec,
  record: InstanceRecord,
  stateDir: string,
): Promise<InstanceRecord> {
  await mkdir(stateDir, { recursive: true });
  await rm(record.statusFile, { force: true });
  const { instanceId, applicationId, statusFile, key, index } = record;
  const document = { ...spec.document, applicationId, instanceId, stateDir, statusFile };
  const heapMb = Math.max(MIN_HEAP_MB, (spec.resources.memoryMb ?? DEFAULT_MEMORY_MB) - OFF_HEAP_MB);
  const log = await open(record.logFile, 'a', 0o600);
  let child: ChildProcess;
  try {
    child = spawn(
      options.java,
      [
        keyArgument(key),
        instanceArgument(index),
        `-Xmx${heapMb}m`,
        ...options.jvmOptions,
        '-cp',
        options.classPath,
        spec.mainClass,
        '--spec',
        JSON.stringify(document),
      ],
      { cwd: dirname(stateDir), env: { ...options.env }, detached: true, stdio: ['ignore', log.fd, log.fd] },
    );
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
  } catch (cause) {
    await writeRecord(options.stateRoot, { ...record, exit: { code: null, signal: null } });
    throw new SluiceError('CONFIG_INVALID', `${spec.name} cannot be started: ${options.java} does not run`, { cause });
  } finally {
    await log.close();
  }
  child.unref();
  const pid = child.pid ?? 0;
  // A process that is gone already keeps a start time that no later process can have.
  const started = { ...record, process: (await identityOf(pid)) ?? { pid, startTime: 'gone' } };
  child.once('exit', (code, signal) => void keepExit(options.stateRoot, started, { code, signal }));
  await writeRecord(options.stateRoot, started);
  return started;
}

/** The exit code is known only to the process that started the instance, so it is kept while that one lives. */
async function keepExit(
  stateRoot: string,
  started: InstanceRecord,
  exit: NonNullable<InstanceRecord['exit']>,
): Promise<void> {
  const file = recordFile(stateRoot, started.key, started.index);
  const now = await readJsonFile(file, recordSchema).catch(() => undefined);
  // Without the folder the record is of no more use to anybody: nothing to keep.
  if (now !== undefined)
    await writeRecord(stateRoot, { ...now, process: now.process ?? started.process, exit }).catch(() => undefined);
}

/** Another adapter of this process is at it: its record is the answer. */
async function waitForTwin(file: string, spec: JobSpec): Promise<InstanceRecord> {
  const record = await waitFor(
    async () => {
      const seen = await readJsonFile(file, recordSchema);
      return seen?.process === undefined ? undefined : seen;
    },
    { deadlineMs: 10_000, intervalMs: 50 },
  );
  if (record !== undefined) return record;
  throw new SluiceError('JOB_NOT_READY', `${spec.name}: another call is starting it and is not done yet`);
}

async function ownIdentity() {
  const own = await identityOf(process.pid);
  if (own === undefined)
    throw new SluiceError('ENGINE_UNREACHABLE', 'this host does not tell its processes apart (ps, /proc)');
  return own;
}

function textOf(spec: JobSpec, field: string): string | undefined {
  const value = spec.document[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

const fileName = (id: string): string => id.replace(/[^\w.-]/g, '_');
