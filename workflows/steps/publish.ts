/** From a stage's proven output to the curated table: stage, check, publish; three activities whatever the number of days. */
import type { PublishTableResult, RunChecksResult } from '../contracts/curated.js';
import type { RunPlan, StageResult, TablePlan } from '../contracts/plans.js';
import { quick, sink } from './activity-options.js';
import { fail } from './failures.js';

export interface TableOutcome {
  published: PublishTableResult;
  checks: RunChecksResult;
}

export async function publishFromStage(
  plan: RunPlan,
  table: TablePlan,
  stage: StageResult,
  fence: number,
  say: (step: string) => void,
): Promise<TableOutcome> {
  const { run } = plan;
  const of = { run, table, submissionKey: stage.key };
  say('loading');
  const staged = await sink.loadStaging.executeWithOptions({ summary: `${table.table}: load ${stage.manifest}` }, [
    { ...of, manifest: stage.manifest },
  ]);
  say('checking');
  const checks = await sink.runChecks.executeWithOptions({ summary: `${table.table}: ${table.checks.length} checks` }, [
    { ...of, stagingTable: staged.stagingTable, checks: table.checks },
  ]);
  say('publishing');
  const published = await sink.publishTable.executeWithOptions(
    { summary: `${table.table}: publish ${staged.rows} rows of ${run.partition}` },
    [
      {
        ...of,
        stagingTable: staged.stagingTable,
        fence,
        verdicts: checks.verdicts,
        held: checks.held,
        onEmpty: plan.onEmpty,
        inputSnapshot: { manifest: stage.manifest, submission: stage.key },
      },
    ],
  );
  await quick.dropStaging.executeWithOptions({ summary: `${table.table}: drop staging` }, [
    { stagingTable: staged.stagingTable },
  ]);
  if (published.held.length > 0) {
    const days = published.held.map((held) => `${held.partition} (${held.checks.join(', ')})`);
    const shown = days.slice(0, 10).join('; ') + (days.length > 10 ? `; and ${days.length - 10} more` : '');
    throw fail(
      'QUALITY_BLOCKED',
      `${table.table}: ${published.held.length} partition(s) held back by checks: ${shown}`,
      {
        check: published.held[0]?.checks[0] ?? null,
      },
    );
  }
  say(`published ${published.rows} rows`);
  return { published, checks };
}
