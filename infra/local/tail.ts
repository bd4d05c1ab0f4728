/** The last lines of a log, for error messages. */
import { open } from 'node:fs/promises';

const BYTES = 16_384;

export async function tail(file: string, lines = 20): Promise<string> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return '(no log)';
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, BYTES);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    const text = buffer.toString('utf8').trimEnd();
    return text === '' ? '(the log is empty)' : text.split('\n').slice(-lines).join('\n');
  } finally {
    await handle.close();
  }
}
