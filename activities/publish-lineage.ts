/** Adds lineage to publishing: a run of its own per table, from staged output to curated table, with the check results. */
import { insertLineage } from '../infra/postgres/outbox.js';
import { inTransaction } from '../infra/postgres/pool.js';
import type { CuratedActivities, PublishTableInput } from '../workflows/contracts/curated.js';
import type { ActivityDeps } from './deps.js';
import { publishEvent } from './lineage/events.js';
import type { CheckFacts, PublishFacts, RunFacts } from './lineage/facts.js';
import { stageOutputFacts, tableFacts } from './lineage/from-plans.js';
import { lineageSettings } from './lineage/submissions.js';

type Publish = CuratedActivities['publishTable'];

export function withPublishLineage(deps: ActivityDeps, publish: Publish): Publish {
  const settings = lineageSettings(deps.settings);
  const at = (): string => new Date(deps.now()).toISOString();
  return async (input) => {
    const facts = await publishFacts(deps, input);
    if (facts) {
      await inTransaction(deps.pool, (client) =>
        insertLineage(client, [publishEvent({ type: 'START', at: at() }, facts, settings)]),
      );
    }
    const result = await publish(input);
    if (facts) {
      const done = { ...facts, output: { ...facts.output, rows: result.rows } };
      const event = publishEvent({ type: 'COMPLETE', at: at() }, done, settings);
      await inTransaction(deps.pool, (client) => insertLineage(client, [event]));
    }
    return result;
  };
}

/** undefined when the run is not recorded: then there is nothing the events could hang below. */
async function publishFacts(deps: ActivityDeps, input: PublishTableInput): Promise<PublishFacts | undefined> {
  const { run, table } = input;
  const recorded = await deps.pool.query<{ facts: RunFacts; stage: string }>(
    `select r.facts, j.part as stage from control.run r
     join control.engine_job j on j.key = $3 where r.workflow_id = $1 and r.first_run_id = $2`,
    [run.workflowId, run.firstRunId, input.submissionKey],
  );
  const row = recorded.rows[0];
  if (!row) return undefined;
  const output = { name: table.output, columns: table.columns };
  return {
    run: row.facts,
    table: table.table,
    input: stageOutputFacts(deps.settings, run.pipeline, row.stage, output),
    output: tableFacts(deps.settings, table.table, table.columns),
    overwrite: true,
    quality: { checks: await checkFacts(deps, input) },
  };
}

async function checkFacts(deps: ActivityDeps, { run, table }: PublishTableInput): Promise<CheckFacts[]> {
  const { rows } = await deps.pool.query<{
    name: string;
    type: string;
    severity: string;
    verdict: string;
    bad: string;
  }>(
    `select check_name as name, check_type as type, severity, verdict, bad::text from control.quality_result
     where workflow_id = $1 and run_id = $2 and table_name = $3 and partition like '%/%' order by check_name`,
    [run.workflowId, run.runId, table.table],
  );
  return rows.map((row) => ({
    name: row.name,
    type: row.type,
    severity: row.severity as CheckFacts['severity'],
    verdict: row.verdict as CheckFacts['verdict'],
    actual: `${row.verdict}, ${row.bad} bad`,
  }));
}
