/** Knows the job jars on this machine by content: one content is uploaded once, and a jar that cannot be right is refused at once. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SluiceError } from '../infra/errors.js';
import { filesOfJar } from './jar-index.js';
import type { EngineName } from './port.js';

export interface Jar {
  path: string;
  fileName: string;
  sha256: string;
}

export interface JarCatalog {
  /** The jar of a jobs module; throws CONFIG_INVALID when it was not built. */
  jarOf(module: EngineName): Promise<Jar>;
  /** The same for a job of this main class; throws ENGINE_REJECTED when the jar is empty, no jar, or without the class. */
  jarFor(module: EngineName, mainClass: string): Promise<Jar>;
}

interface Known {
  /** Tells a jar that was built again from the one that was read. */
  stamp: string;
  jar: Promise<Jar>;
  files: Promise<ReadonlySet<string> | undefined>;
}

export function createJarCatalog(paths: Record<EngineName, string>): JarCatalog {
  const known = new Map<string, Known>();

  async function read(module: EngineName): Promise<Known & { bytes: number; path: string }> {
    const path = paths[module];
    const info = await stat(path).catch((cause: unknown) => {
      const message = `the ${module} jobs are not built: ${path} is missing (run the Maven build)`;
      throw new SluiceError('CONFIG_INVALID', message, { cause });
    });
    const stamp = `${info.size}:${info.mtimeMs}`;
    const found = { bytes: info.size, path };
    const seen = known.get(path);
    if (seen?.stamp === stamp) return { ...seen, ...found };
    const jar = hashFile(path).then((sha256) => ({ path, fileName: basename(path), sha256 }));
    const fresh = { stamp, jar, files: filesOfJar(path) };
    known.set(path, fresh);
    for (const part of [fresh.jar, fresh.files]) part.catch(() => known.delete(path));
    return { ...fresh, ...found };
  }

  return {
    jarOf: async (module) => (await read(module)).jar,

    async jarFor(module, mainClass) {
      const { jar, files, bytes, path } = await read(module);
      const refused = (why: string): SluiceError =>
        new SluiceError('ENGINE_REJECTED', `job jar ${path} cannot run ${mainClass}: ${why}`, {
          details: { jar: path, mainClass },
        });
      if (bytes === 0) throw refused('the file is empty');
      const names = await files;
      if (names === undefined) throw refused('it is not a jar (no readable zip directory)');
      if (!names.has(`${mainClass.replaceAll('.', '/')}.class`)) throw refused('it does not hold this class');
      return jar;
    },
  };
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
