/** `sluice status`: runs, streams, syncs, clusters and waiting lineage at a glance. */
import type { Command } from 'commander';
import { createKafka } from '../../infra/kafka/client.js';
import { messageOf, SluiceError } from '../../infra/errors.js';
import { listClusters } from '../../infra/postgres/clusters.js';
import { countSubmissions } from '../../infra/postgres/job-logs.js';
import { lineageStatus } from '../../infra/postgres/outbox.js';
import { loadPipelines } from '../../pipelines/load.js';
import { syncLags } from '../demo/sync-lags.js';
import { pipelinesDir } from '../deps.js';
import { print, printJson, printTable } from './output.js';
import { withSession, type Session } from './session.js';

interface RunRow {
  workflow_id: string;
  state: string;
  verdict: string | null;
  trigger: string;
  started_at: string;
  ended_at: string | null;
  message: string | null;
  /** How many submissions each of its stages made. */
  submissions: Record<string, number>;
}

export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .description('show runs, streams, syncs, clusters and lineage')
    .option('--limit <n>', 'newest runs to show', '10')
    .option('--json', 'print one JSON object')
    .action((options: { limit: string; json?: boolean }) =>
      withSession(async (session) => {
        if (!/^[1-9]\d{0,3}$/.test(options.limit)) {
          throw new SluiceError('INVALID_REQUEST', `--limit ${options.limit}: give a whole number from 1 to 9999`);
        }
        const found = await collect(session, Number(options.limit));
        if (options.json) printJson(forPrograms(found));
        else show(found);
        const failed = Object.values(found).some(({ error }) => error !== undefined);
        if (failed) process.exitCode = 1;
      }),
    );
}

/** A part that cannot be told says why; the others are still told. */
async function part<T>(ask: () => Promise<T[]>): Promise<{ rows: T[]; error?: string }> {
  try {
    return { rows: await ask() };
  } catch (error) {
    return { rows: [], error: messageOf(error) };
  }
}

async function collect({ config, pool, control }: Session, limit: number) {
  const pipelines = await loadPipelines(pipelinesDir(config));
  const kafka = createKafka({
    brokers: config.KAFKA_BROKERS.split(','),
    clientId: 'sluice-status',
    retry: { retries: 2 },
  });
  const streams = pipelines.flatMap((pipeline) =>
    Object.keys(pipeline.streams).map((stream) => ({ pipeline: pipeline.name, stream })),
  );
  const tables = pipelines.flatMap((pipeline) =>
    Object.values(pipeline.curated).flatMap((spec) =>
      spec.mode === 'upsert' ? [{ pipeline: pipeline.name, table: spec.table }] : [],
    ),
  );
  return {
    runs: await part(() => runs(pool, control, limit)),
    streams: await part(() =>
      Promise.all(
        streams.map(async ({ pipeline, stream }) => ({
          ...((await control.streamState(pipeline, stream)) ?? { state: 'not started' }),
          stream: `${pipeline}/${stream}`,
        })),
      ),
    ),
    syncs: await part(() =>
      Promise.all(
        tables.map(async ({ pipeline, table }) => ({ table, state: await control.syncState(pipeline, table) })),
      ),
    ),
    lags: await part(() => syncLags(kafka, pool, pipelines)),
    clusters: await part(() => listClusters(pool)),
    lineage: await part(async () => [await lineageStatus(pool)]),
  };
}

/** A run that was terminated could not write its end; Temporal knows it. */
async function runs(pool: Session['pool'], control: Session['control'], limit: number): Promise<RunRow[]> {
  const { rows } = await pool.query<Omit<RunRow, 'submissions'> & { first_run_id: string }>(
    `select workflow_id, first_run_id, state, verdict, trigger, started_at, ended_at, message
     from control.run order by started_at desc limit $1`,
    [limit],
  );
  const counts = await countSubmissions(pool, rows);
  return Promise.all(
    rows.map(async ({ first_run_id: firstRunId, ...row }) => ({
      ...row,
      submissions: counts.get(firstRunId) ?? {},
      ...(row.state === 'running' ? { state: await control.runStatus(row.workflow_id, firstRunId) } : {}),
    })),
  );
}

/** The rows by section, and what could not be told by section. */
function forPrograms(found: Found) {
  const errors = Object.fromEntries(
    Object.entries(found).flatMap(([name, { error }]) => (error ? [[name, error]] : [])),
  );
  const lags = new Map(found.lags.rows.map(({ table, lag }) => [table, lag]));
  return {
    ok: Object.keys(errors).length === 0,
    errors,
    runs: found.runs.rows,
    streams: found.streams.rows,
    syncs: found.syncs.rows.map((one) => ({ ...one, lag: lags.get(one.table) ?? null })),
    clusters: found.clusters.rows,
    lineage: found.lineage.rows[0] ?? null,
  };
}

type Found = Awaited<ReturnType<typeof collect>>;
type Cell = string | number | null;

/** A watcher that has not written for this long watches nothing. */
const WATCHER_STALE_MS = 60_000;

function show(found: Found): void {
  section('Runs', found.runs, ['run', 'state', 'verdict', 'trigger', 'started', 'submissions', 'message'], (run) => [
    run.workflow_id,
    run.state,
    run.verdict,
    run.trigger,
    run.started_at,
    Object.entries(run.submissions)
      .map(([stage, count]) => `${stage} ${count}`)
      .join(', '),
    run.message,
  ]);
  section(
    'Streams',
    found.streams,
    ['stream', 'engine', 'state', 'healthy', 'submission', 'engine id', 'reason'],
    (one) => [
      one.stream,
      'engine' in one ? (one.engine ?? null) : null,
      one.state,
      'healthy' in one && one.healthy ? 'yes' : 'no',
      'submission' in one ? (one.submission ?? null) : null,
      'engineJobId' in one ? (one.engineJobId ?? null) : null,
      'reason' in one ? (one.reason ?? null) : null,
    ],
  );
  const lags = new Map(found.lags.rows.map(({ table, lag }) => [table, lag]));
  section('Result topics into tables', found.syncs, ['table', 'sync', 'lag'], ({ table, state }) => [
    table,
    state,
    lags.get(table) ?? null,
  ]);
  if (found.lags.error) print(`  lag is not known: ${found.lags.error}`);
  section('Clusters', found.clusters, ['cluster', 'engine', 'reachable', 'watcher seen', 'message'], (one) => [
    one.name,
    one.engine,
    reachability(one),
    one.heartbeat_at,
    one.message,
  ]);
  const lineage = found.lineage.error ?? JSON.stringify(found.lineage.rows[0]);
  print(`Lineage: ${lineage}`);
}

function reachability(cluster: Found['clusters']['rows'][number]): string {
  const seenMs = cluster.heartbeat_at === null ? 0 : Date.parse(cluster.heartbeat_at);
  if (Date.now() - seenMs > WATCHER_STALE_MS) return 'not watched now';
  return cluster.reachable ? 'yes' : `no, since ${cluster.unreachable_since}`;
}

function section<T>(
  title: string,
  found: { rows: T[]; error?: string },
  head: string[],
  cells: (row: T) => Cell[],
): void {
  print(title);
  if (found.error) print(`  not known: ${found.error}`);
  else printTable(head, found.rows.map(cells));
}
