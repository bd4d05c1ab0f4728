/** Reads the central directory of a zip archive (a jar): which files it holds, and where. */
import type { FileHandle } from 'node:fs/promises';

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
/** The end record may be followed by a comment of at most 65,535 bytes. */
const MAX_COMMENT_BYTES = 65_535;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_BYTES = 46;
/** Archives of more than 65,535 files (large shaded jars) keep their true sizes in a second end record. */
const LOCATOR_SIGNATURE = 0x07064b50;
const LOCATOR_BYTES = 20;
const BIG_END_SIGNATURE = 0x06064b50;
const BIG_END_BYTES = 56;

export interface ZipEntry {
  /** Folders end with a slash. */
  name: string;
  /** 0 = stored, 8 = deflate. */
  method: number;
  packedBytes: number;
  /** Where its own header begins. */
  headerAt: number;
}

/**
 * All entries in the order of the directory; undefined when the file is no zip archive, or one that is cut off or damaged.
 * Sizes and places above 4 GiB are not read.
 */
export async function readZipDirectory(file: FileHandle): Promise<ZipEntry[] | undefined> {
  const directory = await directoryOf(file);
  return directory === undefined ? undefined : entriesIn(directory);
}

async function directoryOf(file: FileHandle): Promise<Buffer | undefined> {
  const { size } = await file.stat();
  const tailStart = Math.max(0, size - END_BYTES - MAX_COMMENT_BYTES - LOCATOR_BYTES);
  const tail = await bytesAt(file, tailStart, size - tailStart);
  let end = (tail?.length ?? 0) - END_BYTES;
  while (end >= 0 && tail?.readUInt32LE(end) !== END_SIGNATURE) end -= 1;
  if (tail === undefined || end < 0) return undefined;
  let bytes = tail.readUInt32LE(end + 12);
  let start = tail.readUInt32LE(end + 16);
  const locator = end - LOCATOR_BYTES;
  if (locator >= 0 && tail.readUInt32LE(locator) === LOCATOR_SIGNATURE) {
    const big = await bytesAt(file, Number(tail.readBigUInt64LE(locator + 8)), BIG_END_BYTES);
    if (big?.readUInt32LE(0) !== BIG_END_SIGNATURE) return undefined;
    bytes = Number(big.readBigUInt64LE(40));
    start = Number(big.readBigUInt64LE(48));
  }
  return start + bytes > size ? undefined : bytesAt(file, start, bytes);
}

function entriesIn(directory: Buffer): ZipEntry[] | undefined {
  const entries: ZipEntry[] = [];
  let at = 0;
  while (at < directory.length) {
    if (at + ENTRY_BYTES > directory.length || directory.readUInt32LE(at) !== ENTRY_SIGNATURE) return undefined;
    const nameEnd = at + ENTRY_BYTES + directory.readUInt16LE(at + 28);
    entries.push({
      name: directory.toString('utf8', at + ENTRY_BYTES, nameEnd),
      method: directory.readUInt16LE(at + 10),
      packedBytes: directory.readUInt32LE(at + 20),
      headerAt: directory.readUInt32LE(at + 42),
    });
    at = nameEnd + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

/** Undefined when the file has no such bytes. */
async function bytesAt(file: FileHandle, start: number, length: number): Promise<Buffer | undefined> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, start);
  return bytesRead === length ? buffer : undefined;
}
