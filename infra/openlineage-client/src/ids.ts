/** Run ids that can be computed again: the same names always give the same UUID, so a repeated event is the same run. */
import { createHash } from 'node:crypto';

/** An id is made from parts, not from one joined text, so that ("a", "b.c") and ("a.b", "c") differ. */
export type NamePart = string | number;

/**
 * UUID version 5 (RFC 9562) of the JSON array of `parts` in `namespace`, itself a UUID.
 * Use it when nothing about the time of the run is known beforehand.
 */
export function uuidV5(namespace: string, parts: readonly NamePart[]): string {
  const hash = createHash('sha1').update(uuidBytes(namespace)).update(JSON.stringify(parts)).digest();
  return format(hash.subarray(0, 16), 5);
}

/**
 * UUID in the form of version 7: `time` in the first 48 bits, and a hash of time and `parts` where the random bits would be.
 * Ids then sort by time, which keeps a backend's index compact. Deterministic only if `time` is: use a planned or stored time.
 */
export function uuidV7From(time: Date, parts: readonly NamePart[]): string {
  const milliseconds = time.getTime();
  if (!Number.isInteger(milliseconds) || milliseconds < 0 || milliseconds >= 2 ** 48) {
    throw new RangeError('time of a version 7 UUID must be a valid date from 1970 on');
  }
  const bytes = createHash('sha256')
    .update(JSON.stringify([milliseconds, ...parts]))
    .digest()
    .subarray(0, 16);
  bytes.writeUIntBE(milliseconds, 0, 6);
  return format(bytes, 7);
}

function uuidBytes(uuid: string): Buffer {
  const hex = uuid.replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new TypeError('namespace of a version 5 UUID must be a UUID');
  return Buffer.from(hex, 'hex');
}

function format(bytes: Buffer, version: 5 | 7): string {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | (version << 4), 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
