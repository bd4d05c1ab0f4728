/** From a stage's proven output to the curated table: stage, check, publish; three activities whatever the number of days. */
import { CancellationScope, log } from '@temporalio/workflow';
import type { PublishTableResult, RunChecksResult } from '../contracts/curated.js';
import type { RunPlan, StageResult, TablePlan } from '../contracts/plans.js';
import { quick, sink } from './activity-options.js';
import { wasCancelled } from './cancellation.js';
import { fail, readableCause } from './failures.js';

/** How often the rows are loaded before a staging table that vanishes again and again fails the run. */
const LOADS = 3;

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
  let stagingTable: string | undefined;

  const once = async (): Promise<TableOutcome> => {
    say('loading');
    const staged = await sink.loadStaging.executeWithOptions({ summary: `${table.table}: load ${stage.manifest}` }, [
      { ...of, manifest: stage.manifest },
    ]);
    stagingTable = staged.stagingTable;
    say('checking');
    const checks = await sink.runChecks.executeWithOptions(
      { summary: `${table.table}: ${table.checks.length} checks` },
      [{ ...of, stagingTable, checks: table.checks }],
    );
    say('publishing');
    const published = await sink.publishTable.executeWithOptions(
      { summary: `${table.table}: publish ${staged.rows} rows of ${run.partition}` },
      [
        {
          ...of,
          stagingTable,
          fence,
          verdicts: checks.verdicts,
          held: checks.held,
          onEmpty: plan.onEmpty,
          inputSnapshot: { manifest: stage.manifest, submission: stage.key },
        },
      ],
    );
    return { published, checks };
  };

  let outcome: TableOutcome;
  try {
    outcome = await untilStagingLasts(once);
  } finally {
    if (stagingTable !== undefined) await drop(table.table, stagingTable);
  }
  const { published } = outcome;
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
  return outcome;
}

/** A crash of Postgres empties unlogged staging tables; the submission's files are still there to be loaded again. */
async function untilStagingLasts<T>(once: () => Promise<T>): Promise<T> {
  for (let load = 1; ; load += 1) {
    try {
      return await once();
    } catch (error) {
      const lost = !wasCancelled(error) && readableCause(error).details['stagingLost'] === true;
      if (!lost || load >= LOADS) throw error;
    }
  }
}

/** Also after a failure or a cancel. A table that stays behind takes room but says nothing wrong, so it fails nothing. */
async function drop(table: string, stagingTable: string): Promise<void> {
  await CancellationScope.nonCancellable(async () => {
    try {
      await quick.dropStaging.executeWithOptions({ summary: `${table}: drop staging` }, [{ stagingTable }]);
    } catch (error) {
      log.warn('a staging table stays behind', { stagingTable, reason: readableCause(error).message });
    }
  });
}
