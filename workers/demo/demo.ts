/** The demo: stack up, data in, streams caught up, both pipelines run over all days, three engines compared. */
import { addDays } from '../../pipelines/days.js';
import { loadPipelines } from '../../pipelines/load.js';
import type { Pipeline } from '../../pipelines/pipeline.js';
import type { Config } from '../../infra/config.js';
import { createKafka } from '../../infra/kafka/client.js';
import { SluiceError } from '../../infra/errors.js';
import { findCsvFiles } from '../../activities/source/staged-tables.js';
import { loadSourceSpec } from '../../pipelines/source.js';
import { curatedChecksums, type TableChecksum } from '../../infra/postgres/curated-checksums.js';
import { createPool } from '../../infra/postgres/pool.js';
import type { CompareTablesResult, PublishTableResult } from '../../workflows/contracts/curated.js';
import { bringUp } from '../bring-up.js';
import { connectTemporal } from '../connect.js';
import { createControl, type Control } from '../control.js';
import { pipelinesDir } from '../deps.js';
import { loadDeclaredSource } from '../load-source.js';
import { startStreams } from '../streams.js';
import { workflowUrl } from '../urls.js';
import { topCities, topSalesmen, type TopCity, type TopSalesman } from './answers.js';
import { streamsBehind, waitUntil } from './caught-up.js';
import { createSteps, type StepTime } from './steps.js';
import { syncLags } from './sync-lags.js';

const CATCH_UP_MS = 15 * 60_000;

export interface PipelineReport {
  workflowId: string;
  url?: string;
  ok: boolean;
  failure?: string;
  verdict?: string;
  tables: PublishTableResult[];
  comparisons: CompareTablesResult[];
}

export interface DemoReport {
  ok: boolean;
  problems: string[];
  source: { name: string; lines: number; days: number; from: string; to: string; sales: string };
  steps: StepTime[];
  seconds: number;
  pipelines: Record<string, PipelineReport>;
  topCities: TopCity[];
  topSalesmen: TopSalesman[];
  tables: Record<string, TableChecksum>;
  urls: Record<string, string>;
}

export async function runDemo(
  options: { source: string; dataDir?: string },
  say: (line: string) => void,
): Promise<DemoReport> {
  const startedMs = performance.now();
  const { step, times } = createSteps(say);
  await checkSource(options);
  const { config } = await bringUp(step, say);
  const temporal = await connectTemporal(config);
  const pool = createPool({ connectionString: config.DATABASE_URL, applicationName: 'sluice-demo', max: 4 });
  const kafka = createKafka({ brokers: config.KAFKA_BROKERS.split(','), clientId: 'sluice-demo' });
  const control = createControl(temporal.client);
  try {
    const pipelines = await loadPipelines(pipelinesDir(config));
    await step('streams', async () => {
      for (const pipeline of pipelines) {
        const started = await startStreams(control, pipeline);
        say(`${pipeline.name}: ${started.length > 0 ? `started ${started.join(', ')}` : 'streams run already'}`);
      }
    });
    const loaded = await step('load', () => loadDeclaredSource(config, pool, options, say));
    await step('catch-up', async () => {
      await waitUntil(
        () => streamsBehind(kafka, pool, control, pipelines),
        (all) => {
          const ended = all.find(({ closed }) => closed);
          if (ended)
            throw new SluiceError(
              'LOCAL_STACK',
              `stream ${ended.stream} has ended: ${ended.reason ?? 'no reason known'}`,
            );
          return all.every(({ behind, state }) => behind === 0 && state === 'running');
        },
        {
          timeoutMs: CATCH_UP_MS,
          what: 'the streams’ catching up',
          say: (all) =>
            say(all.map(({ stream, behind, state }) => `${stream}: ${state}, ${behind} behind`).join(' | ')),
        },
      );
      await waitUntil(
        () => syncLags(kafka, pool, pipelines),
        (all) => all.every(({ lag }) => lag === 0),
        {
          timeoutMs: CATCH_UP_MS,
          what: 'the syncs’ catching up',
          say: (all) => say(all.map(({ table, lag }) => `${table}: lag ${lag}`).join(' | ')),
        },
      );
    });
    const partition = { from: loaded.firstDay, to: addDays(loaded.asOf, 1) };
    const reports = await step('pipelines', () => runAll(control, config, pipelines, partition, say));
    const tables = await step('checksums', () => curatedChecksums(pool));
    const problems = problemsOf(reports, tables);
    return {
      ok: problems.length === 0,
      problems,
      source: {
        name: loaded.source,
        lines: loaded.lines,
        days: loaded.days,
        from: partition.from,
        to: partition.to,
        sales: loaded.total,
      },
      steps: times,
      seconds: Math.round((performance.now() - startedMs) / 100) / 10,
      pipelines: reports,
      topCities: await topCities(pool),
      topSalesmen: await topSalesmen(pool),
      tables,
      urls: urlsOf(config),
    };
  } finally {
    await pool.end();
    await temporal.close();
  }
}

/** Refused before anything is started or fetched. */
async function checkSource({ source, dataDir }: { source: string; dataDir?: string }): Promise<void> {
  const spec = await loadSourceSpec(pipelinesDir({}), source);
  if (spec.from.kind !== 'maven') await findCsvFiles(spec, dataDir);
}

async function runAll(
  control: Control,
  config: Config,
  pipelines: readonly Pipeline[],
  partition: { from: string; to: string },
  say: (line: string) => void,
): Promise<Record<string, PipelineReport>> {
  const reports = await Promise.all(
    pipelines.map(async (pipeline): Promise<[string, PipelineReport]> => {
      const run = await control.startOrJoinRun({
        pipeline: pipeline.name,
        partition: `${partition.from}/${partition.to}`,
        trigger: 'api',
      });
      const url = workflowUrl(config, run.workflowId, run.runId);
      say(`${run.workflowId}: ${run.joined ? 'runs already, waiting for it' : 'started'}${url ? ` ${url}` : ''}`);
      const outcome = await control.waitRun(run, (progress) => {
        const parts = Object.entries({ ...progress.stages, ...progress.tables }).map(
          ([name, text]) => `${name} ${text}`,
        );
        say(`${pipeline.name}: ${[progress.state, ...parts].join(' | ')}`);
      });
      const base = { workflowId: run.workflowId, ...(url ? { url } : {}) };
      if (!outcome.ok) {
        const failure = `${outcome.failure.code}: ${outcome.failure.message}`;
        return [pipeline.name, { ...base, ok: false, failure, tables: [], comparisons: [] }];
      }
      const result = outcome.result as Pick<PipelineReport, 'verdict' | 'tables' | 'comparisons'>;
      return [pipeline.name, { ...base, ok: true, ...pick(result) }];
    }),
  );
  return Object.fromEntries(reports);
}

const pick = ({ verdict, tables, comparisons }: Pick<PipelineReport, 'verdict' | 'tables' | 'comparisons'>) => ({
  ...(verdict === undefined ? {} : { verdict }),
  tables,
  comparisons,
});

/** Everything that is not as it should be, one line each; empty means the demo is fine. */
export function problemsOf(reports: Record<string, PipelineReport>, tables: Record<string, TableChecksum>): string[] {
  const problems: string[] = [];
  for (const [name, report] of Object.entries(reports)) {
    if (!report.ok) problems.push(`${name}: ${report.failure ?? 'failed'}`);
    for (const compared of report.comparisons) {
      if (compared.verdict !== 'pass') {
        const { name: check, differ, onlyLeft, onlyRight, message } = compared;
        problems.push(
          `${name}: ${check}: ${compared.verdict}, ${differ} differ, ${onlyLeft} only left, ${onlyRight} only right${message ? `: ${message}` : ''}`,
        );
      }
    }
  }
  for (const [table, { rows }] of Object.entries(tables)) if (rows === 0) problems.push(`curated.${table} is empty`);
  return problems;
}

function urlsOf(config: Config): Record<string, string> {
  const all = {
    temporal: config.TEMPORAL_UI_URL,
    flink: config.FLINK_REST_URL,
    spark: config.SPARK_MASTER_UI_URL,
    history: config.SPARK_HISTORY_URL,
  };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
