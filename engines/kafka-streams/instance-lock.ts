/**
 * One living holder per application instance, without a lock that the dead could keep: each takeover is a new file with
 * the next number, created exclusively, and the highest number is the holder. A file is never taken away from a living holder.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createOnce, readJsonFile } from './state-files.js';
import { lockSchema } from './schemas.js';
import type { LockHolder } from './schemas.js';

export type LockResult = { taken: true } | { taken: false; holder: LockHolder };

export async function takeInstanceLock(
  folder: string,
  mine: LockHolder,
  isAlive: (holder: LockHolder) => Promise<boolean>,
): Promise<LockResult> {
  for (;;) {
    const newest = await newestLock(folder);
    const holder = newest === 0 ? undefined : await readJsonFile(lockFile(folder, newest), lockSchema);
    if (holder !== undefined && (await isAlive(holder))) return { taken: false, holder };
    if (!(await createOnce(lockFile(folder, newest + 1), mine))) continue;
    // Between the look and the creation others may have come, gone and tidied up: only the highest number holds.
    if ((await newestLock(folder)) > newest + 1) {
      await rm(lockFile(folder, newest + 1), { force: true });
      continue;
    }
    for (let old = newest; old > 0 && old > newest - 3; old -= 1) await rm(lockFile(folder, old), { force: true });
    return { taken: true };
  }
}

const lockFile = (folder: string, number: number): string => join(folder, `lock.${number}`);

async function newestLock(folder: string): Promise<number> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const numbers = names.map((name) => /^lock\.(\d+)$/.exec(name)?.[1]).map((number) => Number(number ?? 0));
  return Math.max(0, ...numbers);
}
