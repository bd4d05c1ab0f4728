/** Publishes a staging table partition by partition, one transaction each; the ledger is the cursor. */
import { SluiceError } from '../errors.js';
import { describePartitions, partitionEnd, partitionsOf, type Grain } from './curated-days.js';
import { ledgerOfSubmission } from './ledger.js';
import { isRetryablePg, toStoreError, type Pool } from './pool.js';

export interface PublishRequest {
  table: string;
  stagingTable: string;
  columns: readonly string[];
  partitionColumn: string;
  grain: Grain;
  pipeline: string;
  from: string;
  to: string;
  workflowId: string;
  firstRunId: string;
  runId: string;
  fence: number;
  submissionKey: string;
  codeHash: string;
  lineageRunId: string;
  inputSnapshot: Record<string, unknown>;
  /** Verdict of a partition for the ledger; `pass` if absent. */
  verdicts: Record<string, string>;
  /** Partitions that a check holds back. */
  held: ReadonlySet<string>;
  onEmpty: 'fail' | 'warn' | 'allow';
}

export interface PublishContext {
  /** Called after each partition. */
  onProgress: (partition: string) => void;
  signal?: AbortSignal;
}

type Outcome = 'published' | 'empty' | 'already' | 'lost' | 'superseded';

export interface PublishReport {
  published: string[];
  rows: number;
  empty: string[];
  held: string[];
  /** Newer work had already replaced these. */
  superseded: string[];
}

/**
 * Throws EMPTY_PARTITION before anything is written when there is nothing to publish and `onEmpty` is `fail`, and
 * STORE_CONFLICT at the end when days were lost to a newer owner. Calling it again continues after the last partition.
 */
export async function publishStaging(
  pool: Pool,
  request: PublishRequest,
  context: PublishContext,
): Promise<PublishReport> {
  try {
    return await publish(pool, request, context);
  } catch (error) {
    if (context.signal?.aborted === true) throw error;
    if ((error as { code?: string }).code === 'SLU01') {
      throw new SluiceError(
        'STORE_REJECTED',
        `staging was lost, the load must be repeated: ${(error as Error).message}`,
        {
          cause: error,
          details: { stagingLost: true, stagingTable: request.stagingTable },
        },
      );
    }
    throw toStoreError(error);
  }
}

async function publish(pool: Pool, request: PublishRequest, context: PublishContext): Promise<PublishReport> {
  const report: PublishReport = { published: [], rows: 0, empty: [], held: [], superseded: [] };
  const lost: string[] = [];
  const partitions = partitionsOf(request.from, request.to, request.grain);
  const done = new Map(
    (await ledgerOfSubmission(pool, request.table, request.submissionKey)).map((entry) => [entry.partition, entry]),
  );
  if (done.size === 0) await assertLoaded(pool, request, partitions);

  for (const partition of partitions) {
    const entry = done.get(partition);
    if (request.held.has(partition)) {
      report.held.push(partition);
    } else if (entry) {
      if (entry.state === 'published') report.published.push(partition);
      else report.empty.push(partition);
      report.rows += entry.rows;
    } else {
      context.signal?.throwIfAborted();
      const answer = await publishOne(pool, request, partition, partitions.length === 1);
      if (answer.outcome === 'lost') lost.push(partition);
      else if (answer.outcome === 'superseded') report.superseded.push(partition);
      else if (answer.outcome === 'empty' || answer.rows === 0) report.empty.push(partition);
      else report.published.push(partition);
      report.rows += answer.rows;
      context.onProgress(partition);
    }
  }
  if (lost.length > 0) throw conflict(request, report.published, lost);
  return report;
}

/** Staging must be there and, unless the pipeline says otherwise, must hold something. */
async function assertLoaded(pool: Pool, request: PublishRequest, partitions: readonly string[]): Promise<void> {
  const { rows } = await pool.query<{ rows: string; submission_key: string }>(
    'select rows, submission_key from control.staging_load where staging_table = $1',
    [request.stagingTable],
  );
  if (rows[0]?.submission_key !== request.submissionKey) {
    throw new SluiceError('STORE_REJECTED', `staging.${request.stagingTable} is not loaded for this submission`, {
      details: { stagingLost: true, stagingTable: request.stagingTable },
    });
  }
  if (Number(rows[0].rows) === 0 && request.onEmpty === 'fail') {
    throw new SluiceError(
      'EMPTY_PARTITION',
      `${request.table}: no rows for ${describePartitions(partitions, request.grain)}; nothing was overwritten`,
    );
  }
}

async function publishOne(
  pool: Pool,
  request: PublishRequest,
  partition: string,
  single: boolean,
): Promise<{ outcome: Outcome; rows: number }> {
  const end = partitionEnd(partition, request.grain);
  // A quarter is guarded by the days that the run owns, a day by itself.
  const claim = request.grain === 'day' ? [partition, end] : [request.from, request.to];
  const spec = {
    table: request.table,
    stagingTable: request.stagingTable,
    columns: request.columns,
    partitionColumn: request.partitionColumn,
    pipeline: request.pipeline,
    workflowId: request.workflowId,
    firstRunId: request.firstRunId,
    runId: request.runId,
    fence: request.fence,
    submissionKey: request.submissionKey,
    codeHash: request.codeHash,
    lineageRunId: request.lineageRunId,
    inputSnapshot: request.inputSnapshot,
    // Only a run for this one partition may say that it is truly empty; in a range an empty day keeps what was published.
    emptyReplaces: single && request.onEmpty === 'allow',
  };
  const verdict = request.verdicts[partition] ?? 'pass';
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { rows } = await pool.query<{ outcome: Outcome; rows: string }>({
        name: 'publish-partition',
        text: 'select outcome, rows from control.publish_partition($1::date, $2::date, $3::date, $4::date, $5, $6::jsonb)',
        values: [partition, end, ...claim, verdict, JSON.stringify(spec)],
      });
      const row = rows[0];
      if (!row) throw new SluiceError('STORE_UNREACHABLE', 'no answer from publish_partition');
      return { outcome: row.outcome, rows: Number(row.rows) };
    } catch (error) {
      // The ledger makes a repeat harmless, also when the lost answer was a success.
      if (attempt >= 3 || !isRetryablePg(error)) throw error;
    }
  }
}

function conflict(request: PublishRequest, published: readonly string[], lost: readonly string[]): SluiceError {
  const done = published.length > 0 ? describePartitions(published, request.grain) : 'none';
  return new SluiceError(
    'STORE_CONFLICT',
    `${request.table}: a newer owner holds ${describePartitions(lost, request.grain)}, nothing was changed there; published: ${done}`,
    {
      details: {
        table: request.table,
        published: done,
        publishedCount: published.length,
        lost: describePartitions(lost, request.grain),
        lostCount: lost.length,
      },
    },
  );
}
