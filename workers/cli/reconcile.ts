/** `sluice reconcile`: one pass over each cluster now, and what it did or would do. */
import type { Command } from 'commander';
import { SluiceError } from '../../infra/errors.js';
import { listClusters } from '../../infra/postgres/clusters.js';
import { suggestion } from '../../pipelines/nearest.js';
import type { EngineKind } from '../../workflows/contracts/plans.js';
import type { ReconcileResult } from '../../workflows/contracts/reconcile.js';
import type { RunFailure } from '../run-failure.js';
import { print, printJson, printTable, say } from './output.js';
import { withSession, type Session } from './session.js';

interface Options {
  cluster?: string;
  dryRun?: boolean;
  force?: boolean;
  json?: boolean;
}

interface Pass {
  cluster: string;
  engine: EngineKind;
  report?: ReconcileResult;
  failure?: RunFailure;
}

export function addReconcileCommand(program: Command): void {
  program
    .command('reconcile')
    .description('end engine jobs whose workflow is gone (two passes must see them), close the books of dead runs')
    .option('--cluster <name>', 'only this cluster')
    .option('--dry-run', 'say what would be done; change nothing')
    .option('--force', 'reap even an unusually large part of the jobs')
    .option('--json', 'print one JSON object')
    .action((options: Options) =>
      withSession(async (session) => {
        const passes: Pass[] = [];
        for (const { name: cluster, engine } of await clustersOf(session, options.cluster)) {
          say(`looking at ${cluster}`);
          const { dryRun = false, force = false } = options;
          const outcome = await session.control.reconcile({ engine, cluster, dryRun, force });
          passes.push(
            outcome.ok ? { cluster, engine, report: outcome.result } : { cluster, engine, failure: outcome.failure },
          );
        }
        const ok = passes.every(({ report }) => report !== undefined && report.stopped === undefined);
        if (options.json) printJson({ ok, passes });
        else for (const pass of passes) show(pass);
        if (!ok) process.exitCode = 1;
      }),
    );
}

/** The clusters that have a watcher, or that these settings name. */
async function clustersOf({ pool, config }: Session, wanted: string | undefined) {
  const known = new Map<string, EngineKind>([
    [config.SLUICE_FLINK_CLUSTER, 'flink'],
    [config.SLUICE_SPARK_CLUSTER, 'spark'],
    [config.SLUICE_HOST_NAME, 'kafka-streams'],
  ]);
  for (const { name, engine } of await listClusters(pool)) known.set(name, engine as EngineKind);
  if (wanted !== undefined && !known.has(wanted)) {
    throw new SluiceError('INVALID_REQUEST', `no cluster '${wanted}' is known${suggestion(wanted, [...known.keys()])}`);
  }
  return [...known]
    .map(([name, engine]) => ({ name, engine }))
    .filter(({ name }) => wanted === undefined || name === wanted);
}

function show({ cluster, engine, report, failure }: Pass): void {
  if (report === undefined) {
    print(`${cluster} (${engine}): failed: ${failure?.code}: ${failure?.message}`);
    return;
  }
  print(`${cluster} (${engine}): ${report.live} jobs of ours live there${report.dryRun ? '; dry run' : ''}`);
  if (report.stopped) print(`  STOPPED: ${report.stopped}`);
  if (report.orphans.length > 0) {
    printTable(
      ['action', 'job', 'engine id', 'submission', 'owner', 'reason'],
      report.orphans.map((one) => [
        one.action,
        `${one.pipeline}/${one.part}`,
        one.engineJobId || null,
        one.key.slice(0, 8),
        `${one.owner} (${one.ownerState})`,
        one.reason,
      ]),
    );
  }
  if (report.unknown.length > 0) print(`  with our tag, but unknown here: ${report.unknown.join(', ')}`);
  for (const { workflowId, closedAs } of report.runs) print(`  book of ${workflowId} closed (${closedAs})`);
}
