/** Writes the canonical sales to the lake: one Parquet file per month, the same bytes' worth of rows every time. */
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LakeFile } from '../../infra/postgres/source-loads.js';
import type { ObjectStore } from '../../infra/s3/object-store.js';
import { literal, type SourceDatabase } from './database.js';
import { sha256OfFile } from './maven-artifact.js';

const UPLOADS_AT_ONCE = 4;

export interface LakeRequest {
  db: SourceDatabase;
  store: ObjectStore;
  /** `s3://lake` */
  lake: string;
  workDir: string;
  onFile?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** Address of a month's file. The month is part of the path, not of the file. */
export function monthUrl(lake: string, month: string): string {
  return `${lake}/sales/month=${month}/sales.parquet`;
}

export async function writeLake(request: LakeRequest): Promise<LakeFile[]> {
  const { db, store, lake, workDir } = request;
  const months = await db.rows(
    "select strftime(order_date, '%Y-%m') as month, count(*) as rows from sale group by 1 order by 1",
  );
  const folder = join(workDir, 'lake');
  await mkdir(folder, { recursive: true });
  const files: LakeFile[] = [];
  let running: Promise<void>[] = [];
  let uploaded = 0;
  for (const row of months) {
    request.signal?.throwIfAborted();
    const month = row['month'] as string;
    const path = join(folder, `${month}.parquet`);
    await db.run(
      `copy (select * from sale where strftime(order_date, '%Y-%m') = ${literal(month)}
             order by order_date, order_id, line)
       to ${literal(path)} (format parquet, compression snappy)`,
    );
    const url = monthUrl(lake, month);
    files.push({ url, rows: Number(row['rows']), bytes: (await stat(path)).size, sha256: await sha256OfFile(path) });
    running.push(
      store.putFile(url, path, { contentType: 'application/vnd.apache.parquet' }).then(async () => {
        await rm(path);
        uploaded += 1;
        request.onFile?.(uploaded, months.length);
      }),
    );
    if (running.length >= UPLOADS_AT_ONCE) {
      await Promise.all(running);
      running = [];
    }
  }
  await Promise.all(running);
  return files;
}

/** True when every file of a finished load is still there in its size. */
export async function lakeIsWhole(store: ObjectStore, lake: string, files: readonly LakeFile[]): Promise<boolean> {
  const present = new Map((await store.list(`${lake}/sales/`)).map(({ url, bytes }) => [url, bytes]));
  return files.length > 0 && files.every(({ url, bytes }) => present.get(url) === bytes);
}
