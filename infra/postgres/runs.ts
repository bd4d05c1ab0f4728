/** Rows of control.run: one per execution chain of `pipelineRun`. */
import type { Pool, PoolClient } from './pool.js';
import { storableText } from './storable-text.js';

export interface NewRun {
  workflowId: string;
  firstRunId: string;
  runId: string;
  pipeline: string;
  partition: string;
  from: string;
  to: string;
  trigger: string;
  specHash: string;
  params: unknown;
  lineageRunId: string;
  facts: unknown;
}

/** Records the run once; true when it is new. */
export async function insertRun(client: PoolClient, run: NewRun): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into control.run (workflow_id, first_run_id, run_id, pipeline, partition, part_from, part_to, trigger,
       spec_hash, params, lineage_run_id, state, facts)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'running', $12) on conflict do nothing`,
    [
      run.workflowId,
      run.firstRunId,
      run.runId,
      run.pipeline,
      run.partition,
      run.from,
      run.to,
      run.trigger,
      run.specHash,
      JSON.stringify(run.params),
      run.lineageRunId,
      JSON.stringify(run.facts),
    ],
  );
  return rowCount === 1;
}

/**
 * Closes the run once; returns its facts when this call closed it. Only a success replaces an end that was none: a run
 * that was reset goes on under the same first run id.
 */
export async function closeRun(
  client: PoolClient,
  run: { workflowId: string; firstRunId: string },
  outcome: { state: 'succeeded' | 'failed' | 'cancelled'; verdict?: string | undefined; message?: string | undefined },
): Promise<Record<string, unknown> | undefined> {
  const { rows } = await client.query<{ facts: Record<string, unknown> }>(
    `update control.run set state = $3, verdict = $4, message = $5, ended_at = now()
     where workflow_id = $1 and first_run_id = $2
       and (state = 'running' or ($3 = 'succeeded' and state in ('failed', 'cancelled')))
     returning facts`,
    [run.workflowId, run.firstRunId, outcome.state, outcome.verdict ?? null, messageOrNull(outcome.message)],
  );
  return rows[0]?.facts;
}

const messageOrNull = (text: string | undefined): string | null => (text === undefined ? null : storableText(text));

/** Ends runs that died without a word; returns what is needed to end their lineage, only of those that were still open. */
export async function closeDeadRuns(
  client: PoolClient,
  owners: readonly { workflowId: string; firstRunId: string }[],
  state: 'failed' | 'cancelled',
  message: string,
): Promise<{ lineageRunId: string }[]> {
  const { rows } = await client.query<{ lineageRunId: string }>(
    `update control.run r set state = $4, message = $3, ended_at = now()
     from unnest($1::text[], $2::text[]) as dead (workflow_id, first_run_id)
     where r.workflow_id = dead.workflow_id and r.first_run_id = dead.first_run_id and r.state = 'running'
     returning r.lineage_run_id as "lineageRunId"`,
    [
      owners.map(({ workflowId }) => workflowId),
      owners.map(({ firstRunId }) => firstRunId),
      storableText(message),
      state,
    ],
  );
  return rows;
}

export async function installationId(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ id: string }>('select id from control.installation');
  const id = rows[0]?.id;
  if (!id) throw new Error('control.installation has no row: run the migrations');
  return id;
}
