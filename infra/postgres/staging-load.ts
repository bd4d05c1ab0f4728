/** Loads the files of one submission into a staging table of its own, in one transaction, verified against the manifest. */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import { SluiceError } from '../errors.js';
import type { ObjectStore } from '../s3/object-store.js';
import { describePartitions, partitionsOf, type Grain } from './curated-days.js';
import { postgresType, quoteName } from './curated-types.js';
import { inTransaction, toStoreError, type Pool, type PoolClient } from './pool.js';
import { downloadVerified } from './staging-files.js';
import type { ManifestOutput } from './staging-manifest.js';
import { createParquetReader, CSV_COPY_OPTIONS } from './staging-parquet.js';

export interface StagingRequest {
  table: string;
  columns: Record<string, string>;
  partitionColumn: string;
  grain: Grain;
  /** Half-open range of days that the run may publish. */
  from: string;
  to: string;
  workflowId: string;
  submissionKey: string;
  output: ManifestOutput;
}

export interface StagingContext {
  objects: Pick<ObjectStore, 'getStream'>;
  /** Folder for temporary files; a subfolder is made and removed. */
  tmpDir: string;
  onProgress: () => void;
  signal?: AbortSignal;
}

export interface StagingLoad {
  stagingTable: string;
  rows: number;
  partitions: { partition: string; rows: number }[];
}

/** Postgres cuts names at 63 bytes; the key part must survive. */
export const stagingName = (table: string, submissionKey: string): string =>
  `${table.slice(0, 46)}_${submissionKey.slice(0, 16)}`;

/** Starts over on every call: whatever an earlier attempt left is dropped in the same transaction. */
export async function loadStagingTable(
  pool: Pool,
  request: StagingRequest,
  context: StagingContext,
): Promise<StagingLoad> {
  const folder = await mkdtemp(join(context.tmpDir, 'staging-'));
  try {
    return await inTransaction(pool, (client) => load(client, request, context, folder));
  } catch (error) {
    throw context.signal?.aborted === true ? error : toStoreError(error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function load(
  client: PoolClient,
  request: StagingRequest,
  context: StagingContext,
  folder: string,
): Promise<StagingLoad> {
  const stagingTable = stagingName(request.table, request.submissionKey);
  const name = `staging.${quoteName(stagingTable)}`;
  await client.query(`select pg_advisory_xact_lock(hashtextextended('staging.' || $1, 0))`, [stagingTable]);
  await client.query(`set local timezone = 'UTC'`);
  await client.query(`set local datestyle = 'ISO, YMD'`);
  await client.query(`drop table if exists ${name}`);
  const columns = Object.entries(request.columns).map(([column, type]) => `${quoteName(column)} ${postgresType(type)}`);
  await client.query(`create unlogged table ${name} (_row_no bigint not null, _partition date, ${columns.join(', ')})`);

  const rows = await copyFiles(client, name, request, context, folder);
  if (rows !== request.output.rows) {
    throw new SluiceError('STORE_REJECTED', `staging holds ${rows} rows, the manifest says ${request.output.rows}`);
  }
  const partitions = await countPartitions(client, name, request);
  // With many partitions each swap would scan the whole table.
  if (partitions.length > 1) await client.query(`create index on ${name} (_partition)`);
  await client.query(`analyze ${name}`);
  await record(client, stagingTable, request, partitions, rows);
  return { stagingTable, rows, partitions };
}

/** One file at a time, so that disk use is bounded by the largest file and not by the output. */
async function copyFiles(
  client: PoolClient,
  name: string,
  request: StagingRequest,
  context: StagingContext,
  folder: string,
): Promise<number> {
  const reader = await createParquetReader({ ...request, spillDirectory: folder });
  try {
    let rows = 0;
    for (const file of request.output.files) {
      const parquet = join(folder, 'part.parquet');
      const csv = join(folder, 'part.csv');
      await downloadVerified(context.objects, file, parquet, context.onProgress, context.signal);
      const converted = await reader.toCsv(parquet, csv, rows + 1);
      if (converted !== file.rows) {
        throw new SluiceError('STORE_REJECTED', `${file.path} holds ${converted} rows, its manifest says ${file.rows}`);
      }
      context.onProgress();
      const copy = client.query(copyFrom(`copy ${name} from stdin ${CSV_COPY_OPTIONS}`));
      const source = createReadStream(csv, { highWaterMark: 256 * 1024 });
      source.on('data', context.onProgress);
      await pipeline(source, copy, { signal: context.signal });
      rows += copy.rowCount;
      await rm(csv, { force: true });
      await rm(parquet, { force: true });
    }
    return rows;
  } finally {
    reader.close();
  }
}

/** Rows by partition; a row that belongs to no partition of the run is refused, for it would be lost silently. */
async function countPartitions(
  client: PoolClient,
  name: string,
  request: StagingRequest,
): Promise<StagingLoad['partitions']> {
  const { rows } = await client.query<{ partition: string | null; rows: string }>(
    `select _partition as partition, count(*) as rows from ${name} group by 1 order by 1`,
  );
  const wanted = new Set(partitionsOf(request.from, request.to, request.grain));
  const stray = rows.filter((row) => row.partition === null || !wanted.has(row.partition));
  if (stray.length > 0) {
    const strayRows = stray.reduce((sum, row) => sum + Number(row.rows), 0);
    const days = stray.flatMap((row) => (row.partition === null ? [] : [row.partition]));
    const where = days.length > 0 ? describePartitions(days, request.grain) : 'no day at all';
    throw new SluiceError(
      'STORE_REJECTED',
      `the output has ${strayRows} rows whose ${request.partitionColumn} is outside ${request.from}/${request.to}: ${where}`,
    );
  }
  return rows.map((row) => ({ partition: String(row.partition), rows: Number(row.rows) }));
}

async function record(
  client: PoolClient,
  stagingTable: string,
  request: StagingRequest,
  partitions: StagingLoad['partitions'],
  rows: number,
): Promise<void> {
  await client.query('delete from control.staging_load where staging_table = $1', [stagingTable]);
  await client.query(
    `insert into control.staging_load (staging_table, table_name, submission_key, workflow_id, rows) values ($1, $2, $3, $4, $5)`,
    [stagingTable, request.table, request.submissionKey, request.workflowId, rows],
  );
  await client.query(
    `insert into control.staging_partition (staging_table, partition, rows)
     select $1, * from unnest($2::date[], $3::bigint[])`,
    [stagingTable, partitions.map((part) => part.partition), partitions.map((part) => part.rows)],
  );
}

/** Partitions of a loaded staging table. Throws STORE_REJECTED when nothing of this submission is loaded there. */
export async function stagingPartitions(
  pool: Pool,
  stagingTable: string,
  submissionKey: string,
): Promise<StagingLoad['partitions']> {
  try {
    const { rows } = await pool.query<{ partition: string | null; rows: string | null }>(
      `select p.partition, p.rows
       from control.staging_load l left join control.staging_partition p using (staging_table)
       where l.staging_table = $1 and l.submission_key = $2 order by p.partition`,
      [stagingTable, submissionKey],
    );
    if (rows.length === 0) {
      throw new SluiceError('STORE_REJECTED', `staging.${stagingTable} is not loaded for this submission`, {
        details: { stagingLost: true, stagingTable },
      });
    }
    return rows.flatMap((row) =>
      row.partition === null ? [] : [{ partition: row.partition, rows: Number(row.rows) }],
    );
  } catch (error) {
    throw toStoreError(error);
  }
}

export async function dropStagingTable(pool: Pool, stagingTable: string): Promise<void> {
  try {
    await inTransaction(pool, async (client) => {
      await client.query(`select pg_advisory_xact_lock(hashtextextended('staging.' || $1, 0))`, [stagingTable]);
      await client.query(`drop table if exists staging.${quoteName(stagingTable)}`);
      await client.query('delete from control.staging_load where staging_table = $1', [stagingTable]);
    });
  } catch (error) {
    throw toStoreError(error);
  }
}
