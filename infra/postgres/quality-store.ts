/** Keeps the results of checks; writing the same results again changes nothing. */
import { toStoreError, type Pool } from './pool.js';

export interface QualityRow {
  /** A day range `from/to`, or the first day of one partition. */
  partition: string;
  check_name: string;
  check_type: string;
  severity: string;
  verdict: string;
  rows: number;
  nulls: number;
  bad: number;
  good: number;
  base: string;
  samples: readonly unknown[];
  message: string | null;
}

export interface QualityOwner {
  workflowId: string;
  runId: string;
  pipeline: string;
  table: string;
  /** Empty for comparisons of published tables. */
  submissionKey: string;
}

export async function saveQualityResults(pool: Pool, owner: QualityOwner, rows: readonly QualityRow[]): Promise<void> {
  if (rows.length === 0) return;
  try {
    await pool.query(
      `insert into control.quality_result (workflow_id, run_id, pipeline, table_name, submission_key, partition, check_name,
         check_type, severity, verdict, rows, nulls, bad, good, base, samples, message)
       select $1, $2, $3, $4, $5, r.*
       from jsonb_to_recordset($6::jsonb) as r(partition text, check_name text, check_type text, severity text, verdict text,
         rows bigint, nulls bigint, bad bigint, good bigint, base text, samples jsonb, message text)
       on conflict (run_id, table_name, submission_key, partition, check_name) do update
       set verdict = excluded.verdict, rows = excluded.rows, nulls = excluded.nulls, bad = excluded.bad, good = excluded.good,
         base = excluded.base, samples = excluded.samples, message = excluded.message, severity = excluded.severity, at = now()`,
      [owner.workflowId, owner.runId, owner.pipeline, owner.table, owner.submissionKey, JSON.stringify(rows)],
    );
  } catch (error) {
    throw toStoreError(error);
  }
}
