/** Maintenance: resolves all Maven sets anew and writes their lock files; run after a change of versions. */
import { stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { foodmart } from './components/foodmart.js';
import { COMPONENTS } from './components/index.js';
import { sha256Of, withTemporary } from './fetch/cache.js';
import { mavenCopy } from './fetch/maven.js';
import { requireJavaHome } from './platform.js';
import type { Artifact, MavenSource, PinnedFile } from './types.js';

const LOCKS = join(dirname(fileURLToPath(import.meta.url)), 'locks');

async function writeLock(source: MavenSource, javaHome: string): Promise<void> {
  await withTemporary(join(tmpdir(), 'sluice-locks'), async (dir) => {
    const { jars, names } = await mavenCopy(source.dependencies, dir, javaHome);
    const lock: PinnedFile[] = [];
    for (const file of names) {
      const { size } = await stat(join(jars, file));
      lock.push({ file, sha256: await sha256Of(join(jars, file)), bytes: size });
    }
    await writeFile(join(LOCKS, `${source.name}.json`), `${JSON.stringify(lock, null, 2)}\n`);
    console.error(`${source.name}: ${lock.length} jars`);
  });
}

const artifacts: Artifact[] = [...COMPONENTS, foodmart];
const javaHome = await requireJavaHome(process.env);
for (const source of artifacts.flatMap(({ sources }) => sources)) {
  if (source.kind === 'maven') await writeLock(source, javaHome);
}
