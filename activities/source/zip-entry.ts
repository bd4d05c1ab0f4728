/** Streams one file out of a zip archive (a jar), found by its central directory. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { SluiceError } from '../../infra/errors.js';
import { readZipDirectory } from '../../infra/zip-directory.js';

const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const DEFLATE = 8;

const broken = (path: string, why: string): SluiceError => new SluiceError('STORE_REJECTED', `${path}: ${why}`);

/** Bytes of the entry, inflated. */
export async function openZipEntry(path: string, name: string): Promise<Readable> {
  const file = await open(path, 'r');
  try {
    const entries = await readZipDirectory(file);
    if (entries === undefined) throw broken(path, 'not a zip archive');
    const entry = entries.find((one) => one.name === name);
    if (entry === undefined) throw broken(path, `no entry ${name}`);
    const { method, packedBytes, headerAt } = entry;
    const local = Buffer.alloc(LOCAL_BYTES);
    await file.read(local, 0, LOCAL_BYTES, headerAt);
    if (local.readUInt32LE(0) !== LOCAL_SIGNATURE) throw broken(path, `entry ${name} is damaged`);
    const start = headerAt + LOCAL_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28);
    const packed = createReadStream(path, { start, end: start + packedBytes - 1, highWaterMark: 1024 * 1024 });
    if (method === 0) return packed;
    if (method !== DEFLATE) throw broken(path, `entry ${name} is packed by method ${method}, only deflate is read`);
    const inflated = createInflateRaw({ chunkSize: 1024 * 1024 });
    packed.on('error', (error) => inflated.destroy(error));
    return packed.pipe(inflated);
  } finally {
    await file.close();
  }
}
