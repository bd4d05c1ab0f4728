/** Writes small but real jars for tests: zip archives whose class files hold nothing but their name. */
import { writeFile } from 'node:fs/promises';

/** What the imitations of engines know how to play, see fake-jvm.mjs and the fake servers. */
export const TEST_CLASSES = [
  ...['Long', 'Broken', 'Short', 'Stuck', 'Stubborn', 'Refused', 'Hungry', 'Killed', 'Greedy'].map(
    (name) => `dev.sluice.test.${name}`,
  ),
  'dev.sluice.spark.SqlRunner',
];

export async function writeJar(path: string, classes: readonly string[] = TEST_CLASSES): Promise<void> {
  await writeFile(path, jarBytes(classes));
}

/** Entries are stored, not packed; a comment makes archives of the same classes differ in content. */
export function jarBytes(classes: readonly string[], comment = ''): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const className of classes) {
    const name = Buffer.from(`${className.replaceAll('.', '/')}.class`);
    const data = Buffer.from(className);
    // Common to both headers: version, flags, method, time, date, crc, two sizes, length of the name.
    const common = Buffer.alloc(24);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([u32(0x04034b50), common, u16(0), name, data]);
    directory.push(u32(0x02014b50), u16(20), common, Buffer.alloc(12), u32(offset), name);
    files.push(local);
    offset += local.length;
  }
  const index = Buffer.concat(directory);
  const note = Buffer.from(comment);
  const count = u16(classes.length);
  return Buffer.concat([
    ...files,
    index,
    ...[u32(0x06054b50), u16(0), u16(0), count, count, u32(index.length), u32(offset), u16(note.length), note],
  ]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** The checksum that zip archives keep of each file. */
function crc32(data: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
