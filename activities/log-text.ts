/** Makes the tail of a job's log fit to be kept and shown: without credentials, without half a line, bounded in bytes. */
import { redact } from './lineage/redact.js';

/** A longer line is a dump of data; the rules that look for credentials take too long over it. */
const MAX_LINE = 8_000;

/**
 * What an engine gave when it was asked for the last `maxBytes` of a log. As many bytes as that mean that it was cut, most
 * likely within a line, and half a line may begin with half a credential that no rule knows.
 */
export function readableLog(text: string, maxBytes: number): string {
  const bytes = Buffer.byteLength(text);
  // An engine may cut between the bytes of one character, and one that counts characters gives more bytes.
  const wasCut = bytes >= maxBytes - 3 && bytes <= maxBytes;
  return (wasCut ? withoutFirstLine(text) : lastLines(text, maxBytes))
    .split('\n')
    .map((line) => redact(line, MAX_LINE))
    .join('\n');
}

/** The whole lines at the end of a text that fit; of a single longer line its end. */
export function lastLines(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  const fits = bytes.subarray(-maxBytes);
  const isWhole = bytes[bytes.length - maxBytes - 1] === NEWLINE;
  return isWhole ? fits.toString() : withoutFirstLine(fits.toString());
}

const NEWLINE = 0x0a;

function withoutFirstLine(text: string): string {
  const end = text.indexOf('\n');
  return end < 0 || end === text.length - 1 ? text : text.slice(end + 1);
}
