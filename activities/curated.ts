/** Activities that load, check, publish and compare curated tables; each may run twice and leaves the same state. */
import { tmpdir } from 'node:os';
import { Context } from '@temporalio/activity';
import { z } from 'zod';
import { ensureCuratedTable } from '../infra/postgres/curated-tables.js';
import { publishStaging } from '../infra/postgres/curated-publish.js';
import type { Pool } from '../infra/postgres/pool.js';
import { saveQualityResults, type QualityRow } from '../infra/postgres/quality-store.js';
import { dropStagingTable, loadStagingTable, stagingPartitions } from '../infra/postgres/staging-load.js';
import { readManifestOutput } from '../infra/postgres/staging-manifest.js';
import { SluiceError } from '../infra/errors.js';
import type { ObjectStore } from '../infra/s3/object-store.js';
import { checkSchema, type Check, type StagingCheck } from '../pipelines/checks.js';
import type {
  CompareTablesInput,
  CompareTablesResult,
  CuratedActivities,
  DeclaredCheck,
  LoadStagingInput,
  LoadStagingResult,
  PublishTableInput,
  PublishTableResult,
  RunChecksInput,
  RunChecksResult,
} from '../workflows/contracts/curated.js';
import { compareTables } from './quality/compare.js';
import { evaluateChecks, type DetailedRun } from './quality/run.js';

export interface CuratedDeps {
  pool: Pool;
  objects: Pick<ObjectStore, 'getJson' | 'getStream'>;
  /** Folder for temporary files of loads; default the system's. */
  tmpDir?: string;
  /** Reports progress of the attempt that is running; default Temporal's heartbeat, which throttles. */
  heartbeat?: (details: string) => void;
  /** Signal of the attempt that is running; default Temporal's. */
  cancellation?: () => AbortSignal;
}

type Parts = Required<CuratedDeps>;

export function createCuratedActivities({ pool, objects, ...optional }: CuratedDeps): CuratedActivities {
  const deps: Parts = {
    pool,
    objects,
    tmpDir: optional.tmpDir ?? tmpdir(),
    heartbeat: optional.heartbeat ?? ((details) => Context.current().heartbeat(details)),
    cancellation: optional.cancellation ?? (() => Context.current().cancellationSignal),
  };
  return {
    loadStaging: (input) =>
      cancellable(deps, () => beating(deps, `loading ${input.table.table}`, () => load(deps, input))),
    runChecks: (input) => beating(deps, `checking ${input.table.table}`, () => runChecks(deps, input)),
    publishTable: (input) =>
      cancellable(deps, () => beating(deps, `publishing ${input.table.table}`, () => publish(deps, input))),
    compareTables: (input) => beating(deps, `comparing ${input.table}`, () => compare(deps, input)),
    dropStaging: ({ stagingTable }) => dropStagingTable(deps.pool, stagingTable),
  };
}

const BEAT_MS = 5_000;

/** One statement can take longer than the heartbeat timeout; the beat says that this attempt is still at it. */
async function beating<T>(deps: Parts, what: string, work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => deps.heartbeat(what), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** Whatever a cancelled attempt breaks off with, it ends as cancelled. */
async function cancellable<T>(deps: Parts, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const signal = deps.cancellation();
    throw signal.aborted ? signal.reason : error;
  }
}

async function load(deps: Parts, input: LoadStagingInput): Promise<LoadStagingResult> {
  const { run, table, submissionKey } = input;
  // A table that differs from its declaration stops the run before any work is done.
  await ensureCuratedTable(deps.pool, table);
  const output = await readManifestOutput(deps.objects, input.manifest, submissionKey, table.output);
  return loadStagingTable(
    deps.pool,
    { ...table, from: run.from, to: run.to, workflowId: run.workflowId, submissionKey, output },
    {
      objects: deps.objects,
      tmpDir: deps.tmpDir,
      onProgress: () => deps.heartbeat(`loading ${table.table}`),
      signal: deps.cancellation(),
    },
  );
}

function parseCheck(table: string, declared: DeclaredCheck): Check {
  const parsed = checkSchema.safeParse(declared);
  if (parsed.success) return parsed.data;
  throw new SluiceError('CONFIG_INVALID', `check of ${table} is not valid: ${z.prettifyError(parsed.error)}`);
}

async function runChecks(deps: Parts, input: RunChecksInput): Promise<RunChecksResult> {
  const { run, table, stagingTable, submissionKey } = input;
  const checks = input.checks
    .map((declared) => parseCheck(table.table, declared))
    .filter((check): check is StagingCheck => check.type !== 'reconcile');
  const partitions = await stagingPartitions(deps.pool, stagingTable, submissionKey);
  const { details, ...summary } = await evaluateChecks(deps.pool, {
    stagingTable,
    columns: table.columns,
    key: table.key,
    from: run.from,
    to: run.to,
    checks,
    partitions,
  });
  const owner = {
    workflowId: run.workflowId,
    runId: run.runId,
    pipeline: run.pipeline,
    table: table.table,
    submissionKey,
  };
  await saveQualityResults(deps.pool, owner, toRows(details, `${run.from}/${run.to}`));
  return summary;
}

/** One row per check for the whole range, and one for each of its partitions that is not a pass. */
function toRows(details: DetailedRun['details'], range: string): QualityRow[] {
  return details.flatMap(({ result, partitions }) => {
    const head = { check_name: result.name, check_type: result.type, severity: result.severity, base: result.base };
    const counts = { rows: result.rows, nulls: result.nulls, bad: result.bad, good: result.good };
    const whole = { samples: result.samples, message: result.message ?? null };
    return [
      { ...head, ...counts, ...whole, partition: range, verdict: result.verdict },
      ...partitions
        .filter(({ verdict }) => verdict !== 'pass')
        .map(({ partition, rows, nulls, bad, good, verdict, message }) => ({
          ...head,
          ...{ partition, rows, nulls, bad, good, verdict },
          samples: [],
          message: message ?? null,
        })),
    ];
  });
}

async function publish(deps: Parts, input: PublishTableInput): Promise<PublishTableResult> {
  const { run, table } = input;
  const held = input.held ?? [];
  const report = await publishStaging(
    deps.pool,
    {
      table: table.table,
      stagingTable: input.stagingTable,
      columns: Object.keys(table.columns),
      partitionColumn: table.partitionColumn,
      grain: table.grain,
      pipeline: run.pipeline,
      from: run.from,
      to: run.to,
      workflowId: run.workflowId,
      firstRunId: run.firstRunId,
      runId: run.runId,
      fence: input.fence,
      submissionKey: input.submissionKey,
      codeHash: run.specHash,
      lineageRunId: run.lineageRunId,
      inputSnapshot: input.inputSnapshot ?? {},
      verdicts: input.verdicts ?? {},
      held: new Set(held.map(({ partition }) => partition)),
      onEmpty: input.onEmpty,
    },
    {
      onProgress: (partition) => deps.heartbeat(`published ${table.table} up to ${partition}`),
      signal: deps.cancellation(),
    },
  );
  return {
    table: table.table,
    published: report.published.length,
    rows: report.rows,
    empty: report.empty.length,
    superseded: report.superseded.length,
    held: held.filter(({ partition }) => report.held.includes(partition)),
    ...(report.published.length === 0 ? {} : { first: report.published[0], last: report.published.at(-1) }),
  };
}

async function compare(deps: Parts, input: CompareTablesInput): Promise<CompareTablesResult> {
  const { run, table } = input;
  const check = parseCheck(table, input.check);
  if (check.type !== 'reconcile') {
    throw new SluiceError('INVALID_REQUEST', `compareTables takes reconcile checks, not "${check.type}"`);
  }
  const result = await compareTables(deps.pool, check, { from: run.from, to: run.to });
  const bad = result.differ + result.onlyLeft + result.onlyRight;
  await saveQualityResults(
    deps.pool,
    { workflowId: run.workflowId, runId: run.runId, pipeline: run.pipeline, table, submissionKey: '' },
    [
      {
        partition: `${run.from}/${run.to}`,
        check_name: result.name,
        check_type: check.type,
        severity: result.severity,
        verdict: result.verdict,
        rows: result.agree + bad,
        nulls: 0,
        bad,
        good: result.agree,
        base: 'rows',
        samples: result.samples,
        message: result.message ?? null,
      },
    ],
  );
  return result;
}
