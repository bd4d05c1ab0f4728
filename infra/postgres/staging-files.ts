/** Brings one file of a submission to local disk and verifies it byte by byte on the way. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isSluiceError, SluiceError } from '../errors.js';
import type { ObjectStore } from '../s3/object-store.js';
import type { ManifestFile } from './staging-manifest.js';

/** Writes the file to `path`. A short read may be the network's fault and is retryable, other content is not. */
export async function downloadVerified(
  objects: Pick<ObjectStore, 'getStream'>,
  file: ManifestFile,
  path: string,
  onProgress: () => void,
  signal?: AbortSignal,
): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      onProgress();
      done(null, chunk);
    },
  });
  try {
    await pipeline(await objects.getStream(file.path, signal), meter, createWriteStream(path), { signal });
  } catch (error) {
    if (isSluiceError(error) || signal?.aborted === true) throw error;
    throw new SluiceError('STORE_UNREACHABLE', `reading ${file.path} broke off after ${bytes} bytes`, { cause: error });
  }
  if (bytes !== file.bytes) {
    throw new SluiceError('STORE_UNREACHABLE', `${file.path} has ${bytes} bytes, its manifest says ${file.bytes}`);
  }
  if (hash.digest('hex') !== file.sha256) {
    throw new SluiceError('STORE_REJECTED', `${file.path} is not the file its manifest names (sha256 differs)`);
  }
}
