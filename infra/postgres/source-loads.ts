/** What was loaded from which source: control.source_load, source_day and source_offset. */
import { SluiceError } from '../errors.js';
import { inTransaction, toStoreError, type Pool } from './pool.js';

export interface SourceDay {
  day: string;
  lines: number;
  /** Exact, four decimals. */
  sales: string;
}

export interface EndOffset {
  partition: number;
  /** Offset after the last record (the closing of the last day); the transaction's own marker is not counted. */
  endOffset: string;
}

export interface LakeFile {
  url: string;
  rows: number;
  bytes: number;
  sha256: string;
}

export interface LoadedSource {
  source: string;
  contentHash: string;
  state: 'loading' | 'complete';
  lines: number;
  days: number;
  cities: number;
  total: string;
  firstDay: string;
  /** Last loaded day. */
  asOf: string;
  lakeFiles: LakeFile[];
  endOffsets: EndOffset[];
}

interface LoadRow {
  source: string;
  content_hash: string;
  state: 'loading' | 'complete';
  lines: string | null;
  days: number | null;
  cities: number | null;
  total: string | null;
  first_day: string | null;
  as_of: string | null;
  lake_files: LakeFile[];
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toStoreError(error);
  }
}

/** The one load of this installation; undefined when nothing was loaded yet. Numbers are 0 while it is under way. */
export function readSourceLoad(pool: Pool): Promise<LoadedSource | undefined> {
  return guarded(async () => {
    const { rows } = await pool.query<LoadRow>(
      `select source, content_hash, state, lines, days, cities, total, first_day, as_of, lake_files
         from control.source_load`,
    );
    const row = rows[0];
    if (!row) return undefined;
    const offsets = await pool.query<{ partition: number; end_offset: string }>(
      'select partition, end_offset from control.source_offset where source = $1 order by partition',
      [row.source],
    );
    return {
      source: row.source,
      contentHash: row.content_hash,
      state: row.state,
      lines: Number(row.lines ?? 0),
      days: row.days ?? 0,
      cities: row.cities ?? 0,
      total: row.total ?? '0.0000',
      firstDay: row.first_day ?? '',
      asOf: row.as_of ?? '',
      lakeFiles: row.lake_files,
      endOffsets: offsets.rows.map(({ partition, end_offset }) => ({ partition, endOffset: String(end_offset) })),
    };
  });
}

/** The refusal of a second source; the state of streams and tables belongs to the first. */
export function freshStateNeeded(loaded: string, wanted: string): SluiceError {
  const what = loaded === wanted ? `source ${wanted} with other content` : `source ${loaded}`;
  return new SluiceError(
    'STORE_CONFLICT',
    `${what} is already loaded; loading ${wanted} needs a fresh state: sluice down --wipe`,
  );
}

/** Writes down that the load is under way. Throws STORE_CONFLICT when something else is loaded. */
export function beginSourceLoad(pool: Pool, source: string, contentHash: string): Promise<void> {
  return guarded(async () => {
    await pool.query(
      `insert into control.source_load (source, content_hash, state) values ($1, $2, 'loading')
         on conflict (only_row) do nothing`,
      [source, contentHash],
    );
    const loaded = await readSourceLoad(pool);
    if (loaded && (loaded.source !== source || loaded.contentHash !== contentHash)) {
      throw freshStateNeeded(loaded.source, source);
    }
  });
}

/** Records days and offsets and marks the load complete, in one transaction. */
export function completeSourceLoad(
  pool: Pool,
  topic: string,
  load: Omit<LoadedSource, 'state'>,
  days: readonly SourceDay[],
): Promise<void> {
  return guarded(() =>
    inTransaction(pool, async (client) => {
      await client.query('delete from control.source_day');
      await client.query(
        `insert into control.source_day (source, day, lines, sales)
           select $1, * from unnest($2::date[], $3::bigint[], $4::numeric[])`,
        [load.source, days.map(({ day }) => day), days.map(({ lines }) => lines), days.map(({ sales }) => sales)],
      );
      await client.query('delete from control.source_offset');
      await client.query(
        `insert into control.source_offset (source, topic, partition, end_offset)
           select $1, $2, * from unnest($3::int[], $4::bigint[])`,
        [
          load.source,
          topic,
          load.endOffsets.map(({ partition }) => partition),
          load.endOffsets.map(({ endOffset }) => endOffset),
        ],
      );
      const { rowCount } = await client.query(
        `update control.source_load set state = 'complete', lines = $3, days = $4, cities = $5, total = $6,
           first_day = $7, as_of = $8, lake_files = $9, finished_at = now()
         where source = $1 and content_hash = $2`,
        [
          load.source,
          load.contentHash,
          load.lines,
          load.days,
          load.cities,
          load.total,
          load.firstDay,
          load.asOf,
          JSON.stringify(load.lakeFiles),
        ],
      );
      if (rowCount !== 1) throw new SluiceError('STORE_CONFLICT', 'the record of this load is gone: run it again');
    }),
  );
}
