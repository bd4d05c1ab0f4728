/** Loads a declared source once: canonical sales into the topic sales.raw and the lake, and a record of what was loaded. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kafka } from 'kafkajs';
import { SluiceError } from '../infra/errors.js';
import { createTopics, SALES_TOPIC, sourceTopicSpec, topicRanges, TOPICS } from '../infra/kafka/admin-topics.js';
import type { Pool } from '../infra/postgres/pool.js';
import {
  beginSourceLoad,
  completeSourceLoad,
  freshStateNeeded,
  readSourceLoad,
  type LoadedSource,
  type SourceDay,
} from '../infra/postgres/source-loads.js';
import type { ObjectStore } from '../infra/s3/object-store.js';
import { dayCount } from '../pipelines/days.js';
import { loadSourceSpec, type SourceSpec } from '../pipelines/source.js';
import { mapSales, type SaleSummary } from './source/canonical.js';
import { openDatabase, type SourceDatabase } from './source/database.js';
import { lakeIsWhole, writeLake } from './source/lake.js';
import { fetchArtifact, sha256OfFile } from './source/maven-artifact.js';
import { extractScriptTables } from './source/script-tables.js';
import { findCsvFiles, loadTables, type StagedFile } from './source/staged-tables.js';
import { loadTopic } from './source/topic-load.js';

/** Raised when the form of the topic's records or of the lake changes: an older load is then not the same load. */
const FORMAT_VERSION = 1;

export type LoadPhase = 'fetch' | 'read' | 'map' | 'lake' | 'topic' | 'record';

export interface LoadProgress {
  phase: LoadPhase;
  done: number;
  total: number;
  /** Last day written to the topic. */
  day?: string;
}

export interface LoadSourceRequest {
  source: string;
  /** Folder of the user's CSV files; only for sources that read some. */
  dataDir?: string;
  /** Folder that holds `sources/<name>/source.yaml`. */
  pipelinesDir: string;
  /** Folder of the product in the user's cache. */
  cacheDir: string;
  kafka: Kafka;
  store: ObjectStore;
  pool: Pool;
  /** Address of the lake, `s3://lake`; its bucket exists. */
  lake: string;
  /** Default `sales.raw`. */
  topic?: string;
  progress?: (progress: LoadProgress) => void;
  signal?: AbortSignal;
}

export interface LoadSourceResult extends LoadedSource {
  /** `present`: nothing was to do. `resumed`: an earlier, broken load was finished. */
  outcome: 'loaded' | 'resumed' | 'present';
  seconds: Partial<Record<LoadPhase, number>>;
}

interface Fetched {
  contentHash: string;
  /** The tables as CSV files; made in the folder given where the source has none. */
  tables(workDir: string): Promise<Map<string, StagedFile>>;
}

/** Finds the source's files and names their content, without reading a row. */
async function fetchFiles(spec: SourceSpec, request: LoadSourceRequest): Promise<Fetched> {
  const hash = createHash('sha256').update(JSON.stringify([FORMAT_VERSION, spec.name, spec.tables, spec.mappingSql]));
  if (spec.from.kind === 'maven') {
    const { artifact, sha256, entry } = spec.from;
    const jar = await fetchArtifact({ artifact, sha256, cacheDir: request.cacheDir, signal: request.signal });
    return {
      contentHash: hash.update(sha256).digest('hex'),
      tables: (workDir) => extractScriptTables(spec, jar, entry, workDir, request.signal),
    };
  }
  const files = await findCsvFiles(spec, request.dataDir);
  for (const { path } of files.values()) hash.update(await sha256OfFile(path));
  return { contentHash: hash.digest('hex'), tables: () => Promise.resolve(files) };
}

async function isPresent(request: LoadSourceRequest, loaded: LoadedSource, topic: string): Promise<boolean> {
  if (loaded.state !== 'complete') return false;
  const ranges = await topicRanges(request.kafka, topic);
  const short = loaded.endOffsets.filter(
    ({ partition, endOffset }) =>
      (ranges.find((range) => range.partition === partition)?.high ?? 0n) < BigInt(endOffset),
  );
  if (short.length > 0) {
    throw new SluiceError(
      'STORE_CONFLICT',
      `source ${loaded.source} is recorded as loaded but topic ${topic} is shorter than recorded: sluice down --wipe`,
    );
  }
  return lakeIsWhole(request.store, request.lake, loaded.lakeFiles);
}

async function sourceDays(db: SourceDatabase): Promise<SourceDay[]> {
  const rows = await db.rows(
    `select strftime(order_date, '%Y-%m-%d') as day, count(*) as lines, cast(sum(amount) as varchar) as sales
       from sale group by 1 order by 1`,
  );
  return rows.map((row) => ({ day: row['day'] as string, lines: Number(row['lines']), sales: row['sales'] as string }));
}

/**
 * Idempotent by content: a finished load is recognised and nothing is written. A load that broke off goes on after the
 * last day committed in the topic. Two loads at once: the later one fences the earlier one, which fails.
 */
export async function loadSource(request: LoadSourceRequest): Promise<LoadSourceResult> {
  const topic = request.topic ?? SALES_TOPIC;
  const seconds: LoadSourceResult['seconds'] = {};
  const timed = async <T>(phase: LoadPhase, work: () => Promise<T>): Promise<T> => {
    request.signal?.throwIfAborted();
    request.progress?.({ phase, done: 0, total: 1 });
    const startedAt = performance.now();
    const result = await work();
    seconds[phase] = Math.round(performance.now() - startedAt) / 1000;
    return result;
  };

  const spec = await loadSourceSpec(request.pipelinesDir, request.source);
  const before = await readSourceLoad(request.pool);
  if (before && before.source !== spec.name) throw freshStateNeeded(before.source, spec.name);
  const fetched = await timed('fetch', () => fetchFiles(spec, request));
  const { contentHash } = fetched;
  if (before && before.contentHash !== contentHash) throw freshStateNeeded(before.source, spec.name);
  await createTopics(request.kafka, topic === SALES_TOPIC ? TOPICS : [sourceTopicSpec(topic)]);
  if (before && (await isPresent(request, before, topic))) return { ...before, outcome: 'present', seconds };

  const workDir = await mkdtemp(join(tmpdir(), 'sluice-source-'));
  const db = await openDatabase();
  try {
    await timed('read', async () => {
      await loadTables(db, spec, await fetched.tables(workDir));
    });
    const summary: SaleSummary = await timed('map', () => mapSales(db, spec));
    // Only now, when the source is known to be good, something is written anywhere.
    await beginSourceLoad(request.pool, spec.name, contentHash);
    const topicLoad = await timed('topic', () => {
      let days = 0;
      const total = dayCount(summary.firstDay, summary.lastDay) + 1;
      return loadTopic({
        db,
        kafka: request.kafka,
        topic,
        source: spec.name,
        contentHash,
        summary,
        signal: request.signal,
        onDay: (day) => request.progress?.({ phase: 'topic', done: (days += 1), total, day }),
      });
    });
    const lakeFiles = await timed('lake', () =>
      writeLake({
        db,
        store: request.store,
        lake: request.lake,
        workDir,
        signal: request.signal,
        onFile: (done, total) => request.progress?.({ phase: 'lake', done, total }),
      }),
    );
    const loaded: Omit<LoadedSource, 'state'> = {
      source: spec.name,
      contentHash,
      lines: summary.lines,
      days: summary.days,
      cities: summary.cities,
      total: summary.total,
      firstDay: summary.firstDay,
      asOf: summary.lastDay,
      lakeFiles,
      endOffsets: topicLoad.endOffsets,
    };
    await timed('record', async () => completeSourceLoad(request.pool, topic, loaded, await sourceDays(db)));
    const outcome = before || topicLoad.from !== summary.firstDay ? 'resumed' : 'loaded';
    return { ...loaded, state: 'complete', outcome, seconds };
  } finally {
    db.close();
    await rm(workDir, { recursive: true, force: true });
  }
}
