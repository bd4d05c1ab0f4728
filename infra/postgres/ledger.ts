/** Reads the ledger of published partitions: what stands in a table, and what a submission has already published. */
import { toStoreError, type Pool } from './pool.js';

export interface LedgerEntry {
  partition: string;
  version: number;
  state: 'published' | 'empty';
  rows: number;
  checksum: string;
  fence: number;
  submissionKey: string;
  workflowId: string;
  verdict: string;
  at: string;
}

interface LedgerRow {
  partition: string;
  version: string;
  state: 'published' | 'empty';
  rows: string;
  checksum: string;
  fence: string;
  submission_key: string;
  workflow_id: string;
  verdict: string;
  at: string;
}

const COLUMNS = 'partition, version, state, rows, checksum, fence, submission_key, workflow_id, verdict, at';

const toEntry = (row: LedgerRow): LedgerEntry => ({
  partition: row.partition,
  version: Number(row.version),
  state: row.state,
  rows: Number(row.rows),
  checksum: row.checksum,
  fence: Number(row.fence),
  submissionKey: row.submission_key,
  workflowId: row.workflow_id,
  verdict: row.verdict,
  at: row.at,
});

/** What one submission has recorded for a table: the cursor of a publish that is tried again. */
export async function ledgerOfSubmission(pool: Pool, table: string, submissionKey: string): Promise<LedgerEntry[]> {
  try {
    const { rows } = await pool.query<LedgerRow>(
      `select ${COLUMNS} from control.curated_ledger where table_name = $1 and submission_key = $2 order by partition`,
      [table, submissionKey],
    );
    return rows.map(toEntry);
  } catch (error) {
    throw toStoreError(error);
  }
}

/** The newest publication of each partition that touches [from, to): what readers of the table see. */
export async function publishedPartitions(pool: Pool, table: string, from: string, to: string): Promise<LedgerEntry[]> {
  try {
    const { rows } = await pool.query<LedgerRow>(
      `select distinct on (partition) ${COLUMNS} from control.curated_ledger
       where table_name = $1 and partition < $3 and partition_to > $2 and state = 'published'
       order by partition, version desc`,
      [table, from, to],
    );
    return rows.map(toEntry);
  } catch (error) {
    throw toStoreError(error);
  }
}
