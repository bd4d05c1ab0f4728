/** The download cache: files by their sha256, shared by all clones of a user and safe for two of them at once. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SluiceError } from '../../errors.js';
import type { PinnedFile } from '../types.js';

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** The place of a file in the cache, whether it is there or not. */
export function cachedPath(cache: string, pinned: PinnedFile): string {
  return join(cache, 'sha256', pinned.sha256);
}

export async function isCached(cache: string, pinned: PinnedFile): Promise<boolean> {
  const found = await stat(cachedPath(cache, pinned)).catch(() => undefined);
  return found?.size === pinned.bytes;
}

/** Puts a downloaded file into the cache; any other content than the pinned one is refused. */
export async function store(cache: string, pinned: PinnedFile, file: string): Promise<void> {
  const found = await sha256Of(file);
  if (found !== pinned.sha256) {
    throw new SluiceError(
      'LOCAL_STACK',
      `${pinned.file} has sha256 ${found}, but ${pinned.sha256} is pinned; not used.`,
    );
  }
  await mkdir(join(cache, 'sha256'), { recursive: true });
  await rename(file, cachedPath(cache, pinned));
}

/** Checks a cached file once more before it is unpacked; one that has gone bad is thrown away. */
export async function verify(cache: string, pinned: PinnedFile): Promise<void> {
  const path = cachedPath(cache, pinned);
  if ((await sha256Of(path)) === pinned.sha256) return;
  await rm(path, { force: true });
  throw new SluiceError(
    'LOCAL_STACK',
    `The cached ${pinned.file} was damaged and has been removed; run the command again.`,
  );
}

/** A folder beside the cached files, on the same disk, removed when the action ends. */
export async function withTemporary<T>(cache: string, action: (dir: string) => Promise<T>): Promise<T> {
  await mkdir(join(cache, 'tmp'), { recursive: true });
  const dir = await mkdtemp(join(cache, 'tmp', 'fetch-'));
  try {
    return await action(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Copies a file, sharing its blocks where the disk can. */
export async function cloneFile(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE);
}
