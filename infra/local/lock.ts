/** A lock between processes: a file that names its holder, void as soon as the holder has ended. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SluiceError } from '../errors.js';
import { isAlive, ownIdentity, type ProcessIdentity } from './identity.js';
import { pause } from './wait.js';

export interface LockOptions {
  /** Called once when another process holds the lock. */
  onWait?: (holder: number) => void;
  timeoutMs?: number;
}

export async function withLock<T>(file: string, action: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  await acquire(file, options);
  try {
    return await action();
  } finally {
    await rm(file, { force: true });
  }
}

/** Creates a file with its whole content in one step; false when it is there already. */
export async function createExclusively(file: string, text: string): Promise<boolean> {
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(temporary, text);
  try {
    await link(temporary, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function acquire(file: string, options: LockOptions): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const mine = JSON.stringify(await ownIdentity());
  const deadline = Date.now() + (options.timeoutMs ?? 15 * 60_000);
  let told = false;
  while (!(await createExclusively(file, mine))) {
    const holder = await readHolder(file);
    if (holder === undefined) continue;
    if (!(await isAlive(holder))) {
      await discard(file, holder);
      continue;
    }
    if (!told) options.onWait?.(holder.pid);
    told = true;
    if (Date.now() > deadline) {
      throw new SluiceError('LOCAL_STACK', `Process ${holder.pid} has held ${file} for too long.`);
    }
    await pause(200);
  }
}

/** Who holds a lock file; undefined when it is gone. */
export async function readHolder(file: string): Promise<ProcessIdentity | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as ProcessIdentity);
}

/** Takes a void lock file away by renaming; one that was renewed meanwhile is put back. */
async function discard(file: string, holder: ProcessIdentity): Promise<void> {
  const aside = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const taken = await rename(file, aside).then(
    () => true,
    () => false,
  );
  if (!taken) return;
  const found = await readHolder(aside);
  if (found?.pid !== holder.pid || found.startTime !== holder.startTime) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}
