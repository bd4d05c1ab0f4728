/** `sluice status`: runs, streams, syncs, clusters and waiting lineage at a glance. */
import type { Command } from 'commander';
import { createKafka } from '../../infra/kafka/client.js';
import { listClusters } from '../../infra/postgres/clusters.js';
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
}

export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .description('show runs, streams, syncs, clusters and lineage')
    .option('--limit <n>', 'newest runs to show', '10')
    .option('--json', 'print one JSON object')
    .action((options: { limit: string; json?: boolean }) =>
      withSession(async (session) => {
        const found = await collect(session, Math.max(1, Number.parseInt(options.limit, 10) || 10));
        if (options.json) printJson(found);
        else show(found);
      }),
    );
}

async function collect({ config, pool, control }: Session, limit: number) {
  const pipelines = await loadPipelines(pipelinesDir(config));
  const { rows: runs } = await pool.query<RunRow>(
    `select workflow_id, state, verdict, trigger, started_at, ended_at, message from control.run order by started_at desc limit $1`,
    [limit],
  );
  const streams = await Promise.all(
    pipelines.flatMap((pipeline) =>
      Object.keys(pipeline.streams).map(async (stream) => ({
        ...(await control.streamState(pipeline.name, stream)),
        stream: `${pipeline.name}/${stream}`,
      })),
    ),
  );
  const kafka = createKafka({ brokers: config.KAFKA_BROKERS.split(','), clientId: 'sluice-status' });
  return {
    runs,
    streams,
    syncs: await syncLags(kafka, pool, pipelines),
    clusters: await listClusters(pool),
    lineage: await lineageStatus(pool),
  };
}

function show(found: Awaited<ReturnType<typeof collect>>): void {
  print('Runs');
  printTable(
    ['run', 'state', 'verdict', 'trigger', 'started', 'message'],
    found.runs.map((run) => [run.workflow_id, run.state, run.verdict, run.trigger, run.started_at, run.message]),
  );
  print('Streams');
  printTable(
    ['stream', 'engine', 'state', 'healthy', 'generation', 'submission', 'engine id', 'reason'],
    found.streams.map((one) => [
      one.stream,
      one.engine ?? null,
      one.state ?? 'not started',
      one.healthy ? 'yes' : 'no',
      one.generation ?? null,
      one.submission ?? null,
      one.engineJobId ?? null,
      one.reason ?? null,
    ]),
  );
  print('Result topics into tables');
  printTable(
    ['table', 'lag'],
    found.syncs.map(({ table, lag }) => [table, lag]),
  );
  print('Clusters');
  printTable(
    ['cluster', 'engine', 'reachable', 'watcher seen', 'message'],
    found.clusters.map((one) => [
      one.name,
      one.engine,
      one.reachable ? 'yes' : `no, since ${one.unreachable_since}`,
      one.heartbeat_at,
      one.message,
    ]),
  );
  print(`Lineage: ${JSON.stringify(found.lineage)}`);
}
