/** Which files a jar holds, so that a jar that cannot be right is refused before anybody runs it. */
import { open } from 'node:fs/promises';
import { readZipDirectory } from '../infra/zip-directory.js';

/** Names of all files in the archive; undefined when it is no zip archive, or one that is cut off or damaged. */
export async function filesOfJar(path: string): Promise<ReadonlySet<string> | undefined> {
  const file = await open(path, 'r');
  try {
    const entries = await readZipDirectory(file);
    return entries && new Set(entries.flatMap(({ name }) => (name.endsWith('/') ? [] : [name])));
  } finally {
    await file.close();
  }
}
