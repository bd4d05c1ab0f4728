/** Knows the job jars on this machine and their content hashes, so that one content is uploaded once, whatever its name. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SluiceError } from '../infra/errors.js';
import type { EngineName } from './port.js';

export interface Jar {
  path: string;
  fileName: string;
  sha256: string;
}

export interface JarCatalog {
  /** The jar of a jobs module; throws CONFIG_INVALID when it was not built. */
  jarOf(module: EngineName): Promise<Jar>;
}

export function createJarCatalog(paths: Record<EngineName, string>): JarCatalog {
  const known = new Map<string, { stamp: string; jar: Promise<Jar> }>();
  return {
    async jarOf(module) {
      const path = paths[module];
      const info = await stat(path).catch((cause: unknown) => {
        throw new SluiceError(
          'CONFIG_INVALID',
          `the ${module} jobs are not built: ${path} is missing (run the Maven build)`,
          {
            cause,
          },
        );
      });
      const stamp = `${info.size}:${info.mtimeMs}`;
      const seen = known.get(path);
      if (seen?.stamp === stamp) return seen.jar;
      const jar = hashFile(path).then((sha256) => ({ path, fileName: basename(path), sha256 }));
      known.set(path, { stamp, jar });
      jar.catch(() => known.delete(path));
      return jar;
    },
  };
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
