/** Makes the finished output of a batch submission (Parquet files and manifest) without an engine. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DuckDBInstance } from '@duckdb/node-api';
import type { ObjectStore } from '../../infra/s3/object-store.js';

/** Objects in memory, with the two calls that loading needs. */
export class MemoryObjects implements Pick<ObjectStore, 'getJson' | 'getStream'> {
  readonly objects = new Map<string, Buffer>();

  async getJson(url: string): Promise<unknown> {
    const bytes = this.objects.get(url);
    return bytes === undefined ? undefined : JSON.parse(bytes.toString('utf8'));
  }

  async getStream(url: string): Promise<Readable> {
    const bytes = this.objects.get(url);
    if (bytes === undefined) throw new Error(`no object ${url}`);
    return Readable.from([bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)]);
  }
}

/** One Parquet file per query. Returns the address of the manifest. */
export async function writeSubmission(
  target: MemoryObjects,
  key: string,
  output: string,
  queries: readonly string[],
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'submission-'));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const prefix = `s3://lake/pipeline/partition/stage/${key}`;
    const files = [];
    for (const [index, query] of queries.entries()) {
      const local = join(folder, `${index}.parquet`);
      const result = await connection.run(`copy (${query}) to '${local}' (format parquet)`);
      const bytes = await readFile(local);
      const path = `${prefix}/${output}/part-${index}.parquet`;
      target.objects.set(path, bytes);
      const rows = Number((await result.getRows())[0]?.[0]);
      files.push({ path, rows, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
    }
    const rows = files.reduce((sum, file) => sum + file.rows, 0);
    const manifest = { key, outputs: [{ name: output, files, rows, schema: [] }], finishedAt: '2026-01-01T00:00:00Z' };
    target.objects.set(`${prefix}/_manifest.json`, Buffer.from(JSON.stringify(manifest)));
    return `${prefix}/_manifest.json`;
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(folder, { recursive: true, force: true });
  }
}
