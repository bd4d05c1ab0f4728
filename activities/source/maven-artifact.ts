/** Fetches a Maven artifact by its checksum into the user's cache, once; afterwards no network is needed. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SluiceError } from '../../infra/errors.js';

const FETCH_TIMEOUT_MS = 300_000;

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

export interface ArtifactRequest {
  /** group:artifact:version */
  artifact: string;
  sha256: string;
  /** Folder of the product in the user's cache. */
  cacheDir: string;
  signal?: AbortSignal;
}

function runMaven(args: string[], signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('mvn', args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
    // The option of the same purpose leaves its timer behind when the program does not start.
    const timer = setTimeout(() => child.kill('SIGKILL'), FETCH_TIMEOUT_MS);
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-2000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => {
      clearTimeout(timer);
      if (error.name === 'AbortError') reject(error);
      else reject(new SluiceError('LOCAL_STACK', `cannot run mvn: ${error.message} (install Maven 3.8 or newer)`));
    });
    child.on('close', (code, killedBy) => {
      clearTimeout(timer);
      if (code === 0) resolve();
      else reject(new SluiceError('STORE_UNREACHABLE', `mvn ended with ${code ?? killedBy}: ${output.trim()}`));
    });
  });
}

/** Path of the verified file in the cache, named by its checksum. */
export async function fetchArtifact(request: ArtifactRequest): Promise<string> {
  const folder = join(request.cacheDir, 'sources');
  const path = join(folder, `${request.sha256}.jar`);
  const cached = await access(path).then(
    () => true,
    () => false,
  );
  if (cached && (await sha256OfFile(path)) === request.sha256) return path;
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(folder, 'fetch-'));
  try {
    await runMaven(
      ['-q', '-B', 'dependency:copy', `-Dartifact=${request.artifact}`, `-DoutputDirectory=${work}`],
      request.signal,
    );
    const file = (await readdir(work)).find((name) => name.endsWith('.jar'));
    if (file === undefined) throw new SluiceError('STORE_UNREACHABLE', `mvn fetched nothing for ${request.artifact}`);
    const found = await sha256OfFile(join(work, file));
    if (found !== request.sha256) {
      throw new SluiceError(
        'STORE_REJECTED',
        `${request.artifact} has sha256 ${found}, expected ${request.sha256}: not used`,
      );
    }
    await rename(join(work, file), path);
    return path;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
