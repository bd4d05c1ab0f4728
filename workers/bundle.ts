/** Builds the workflow bundle, kept by content hash, so that a worker starts without a bundler. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const WORKFLOWS = fileURLToPath(new URL('../workflows/', import.meta.url));

async function sourceHash(): Promise<string> {
  const files = (await readdir(WORKFLOWS, { recursive: true })).filter((file) => /\.[jt]s$/.test(file)).sort();
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(await readFile(join(WORKFLOWS, file)));
  const lock = await readFile(fileURLToPath(new URL('../package-lock.json', import.meta.url))).catch(() =>
    Buffer.alloc(0),
  );
  return hash.update(lock).digest('hex').slice(0, 16);
}

/** Path of the bundle of the present workflow sources; built if it is not there yet. */
export async function workflowBundle(folder: string): Promise<string> {
  const path = join(folder, `workflows-${await sourceHash()}.cjs`);
  if (
    await readFile(path).then(
      () => true,
      () => false,
    )
  )
    return path;
  const index = await readFile(join(WORKFLOWS, 'index.ts')).then(
    () => 'index.ts',
    () => 'index.js',
  );
  const { code } = await bundleWorkflowCode({ workflowsPath: join(WORKFLOWS, index) });
  await mkdir(folder, { recursive: true });
  const partial = `${path}.${process.pid}`;
  await writeFile(partial, code);
  await rename(partial, path);
  for (const old of await readdir(folder)) {
    if (/^workflows-.*\.cjs$/.test(old) && !path.endsWith(old)) await rm(join(folder, old), { force: true });
  }
  return path;
}
