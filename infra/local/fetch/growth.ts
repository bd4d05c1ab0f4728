/** Says every half minute how far a long download has come, by the size of its folder. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../types.js';

const EVERY_MS = 30_000;

/** Starts reporting; the returned function ends it. */
export function reportGrowth(dir: string, progress: Progress): () => void {
  const timer = setInterval(() => {
    void sizeOf(dir).then((bytes) => progress(`still fetching, ${Math.round(bytes / 1_000_000)} MB so far`));
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

async function sizeOf(dir: string): Promise<number> {
  const names = await readdir(dir, { recursive: true }).catch(() => []);
  const sizes = names.map(async (name) => {
    const found = await stat(join(dir, name)).catch(() => undefined);
    return found?.isFile() === true ? found.size : 0;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
