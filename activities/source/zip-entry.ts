/** Streams one file out of a zip archive (a jar), found by its central directory. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { SluiceError } from '../../infra/errors.js';

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
/** The end record is 22 bytes and a comment of at most 65,535. */
const MAX_END_BYTES = 22 + 65_535;

const broken = (path: string, why: string): SluiceError => new SluiceError('STORE_REJECTED', `${path}: ${why}`);

/** Bytes of the entry, inflated. Archives above 4 GiB (zip64) are not read. */
export async function openZipEntry(path: string, name: string): Promise<Readable> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const tail = Buffer.alloc(Math.min(size, MAX_END_BYTES));
    await file.read(tail, 0, tail.length, size - tail.length);
    let end = tail.length - 22;
    while (end >= 0 && tail.readUInt32LE(end) !== END_SIGNATURE) end -= 1;
    if (end < 0) throw broken(path, 'not a zip archive');
    const directory = Buffer.alloc(tail.readUInt32LE(end + 12));
    await file.read(directory, 0, directory.length, tail.readUInt32LE(end + 16));

    for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === ENTRY_SIGNATURE;) {
      const nameLength = directory.readUInt16LE(at + 28);
      const entryName = directory.toString('utf8', at + 46, at + 46 + nameLength);
      if (entryName !== name) {
        at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
        continue;
      }
      const method = directory.readUInt16LE(at + 10);
      const packedBytes = directory.readUInt32LE(at + 20);
      const local = Buffer.alloc(30);
      await file.read(local, 0, 30, directory.readUInt32LE(at + 42));
      if (local.readUInt32LE(0) !== LOCAL_SIGNATURE) throw broken(path, `entry ${name} is damaged`);
      const start = directory.readUInt32LE(at + 42) + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
      const packed = createReadStream(path, { start, end: start + packedBytes - 1, highWaterMark: 1024 * 1024 });
      if (method === 0) return packed;
      if (method !== 8) throw broken(path, `entry ${name} is packed by method ${method}, only deflate is read`);
      const inflated = createInflateRaw({ chunkSize: 1024 * 1024 });
      packed.on('error', (error) => inflated.destroy(error));
      return packed.pipe(inflated);
    }
    throw broken(path, `no entry ${name}`);
  } finally {
    await file.close();
  }
}
