/** Runs all checks of one staging table and sums them up per check and per partition. */
import { isRetryablePg, toStoreError, type Pool } from '../../infra/postgres/pool.js';
import { checkName, type StagingCheck } from '../../pipelines/checks.js';
import type { CheckResult, HeldPartition, RunChecksResult, Verdict } from '../../workflows/contracts/curated.js';
import { compileCheck, type CompiledCheck, type CompileTarget } from './compile.js';
import { baseOf, baseRows, failed, goodRows, judge, worst } from './judge.js';
import { sampleBadValues } from './samples.js';
import { scanChecks, type ScanCounts, type ScanResult } from './scan.js';
import { findSpecial, type Finding } from './special.js';
import { withDays } from './sql.js';

export interface ChecksRequest extends CompileTarget {
  stagingTable: string;
  from: string;
  to: string;
  checks: readonly StagingCheck[];
  /** Rows by partition, as loaded. */
  partitions: readonly { partition: string; rows: number }[];
}

export interface PartitionResult extends ScanCounts {
  partition: string;
  good: number;
  verdict: Verdict;
  message?: string;
}

/** A check's result with its parts; only the summary leaves the activity. */
export interface DetailedResult {
  result: CheckResult;
  partitions: PartitionResult[];
}

export interface DetailedRun extends RunChecksResult {
  details: DetailedResult[];
}

type Evaluation = { compiled: CompiledCheck; finding: Finding } | { error: string };

const MAX_NAMED_PARTITIONS = 20;

export async function evaluateChecks(pool: Pool, request: ChecksRequest): Promise<DetailedRun> {
  const names = uniqueNames(request.checks);
  const evaluations = await evaluate(pool, request);
  const needSamples = evaluations.flatMap((evaluation) =>
    'compiled' in evaluation && evaluation.compiled.rows.isBad !== undefined && totalBad(evaluation.finding) > 0
      ? [evaluation]
      : [],
  );
  const sampled = await sampleBadValues(
    pool,
    request.stagingTable,
    needSamples.map(({ compiled }) => compiled),
  );
  needSamples.forEach((evaluation, index) => {
    evaluation.finding = { ...evaluation.finding, samples: sampled[index]?.samples, badKinds: sampled[index]?.kinds };
  });
  const details = request.checks.map((check, index) =>
    summarize(check, names[index] as string, evaluations[index] as Evaluation, request.partitions),
  );
  return { ...sumUp(details, request.partitions), details };
}

/** Results are kept by name, so two checks of the same kind on one column get a number. */
function uniqueNames(checks: readonly StagingCheck[]): string[] {
  const seen = new Map<string, number>();
  return checks.map((check) => {
    const name = checkName(check);
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return times === 1 ? name : `${name} #${times}`;
  });
}

const totalBad = (finding: Finding): number =>
  [...finding.counts.values()].reduce((sum, counts) => sum + counts.bad, 0);

async function evaluate(pool: Pool, request: ChecksRequest): Promise<Evaluation[]> {
  const compiled = request.checks.map((check) => attempt(() => compileCheck(expand(check, request), request)));
  const usable = compiled.flatMap((entry) => ('value' in entry ? [entry.value] : []));
  const scans = await scanEach(pool, request.stagingTable, usable);
  // One after the other: a run holds one connection, however many checks it has.
  const evaluations: Evaluation[] = [];
  for (const entry of compiled) {
    if ('error' in entry) evaluations.push(entry);
    else evaluations.push(await finish(pool, request.stagingTable, entry.value, scans[usable.indexOf(entry.value)]));
  }
  return evaluations;
}

async function finish(
  pool: Pool,
  stagingTable: string,
  compiled: CompiledCheck,
  scan: Attempt<ScanResult[number]> | undefined,
): Promise<Evaluation> {
  if (scan === undefined || 'error' in scan) return scan ?? { error: 'not evaluated' };
  const finding = await attemptQuery(() => findSpecial(pool, stagingTable, compiled, scan.value));
  return 'error' in finding ? finding : { compiled, finding: finding.value };
}

/** The day placeholders work in every piece of declared SQL. */
function expand(check: StagingCheck, range: { from: string; to: string }): StagingCheck {
  const expanded: Record<string, unknown> = { ...check };
  for (const field of ['where', 'expression', 'query', 'sql']) {
    const sql = expanded[field];
    if (typeof sql === 'string') expanded[field] = withDays(sql, range);
  }
  return expanded as unknown as StagingCheck;
}

type Attempt<T> = { value: T } | { error: string };

function attempt<T>(work: () => T): Attempt<T> {
  try {
    return { value: work() };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** A check that Postgres refuses is a result; a server that does not answer is not. */
async function attemptQuery<T>(work: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (isRetryablePg(error) || toStoreError(error).code === 'STORE_UNREACHABLE') throw toStoreError(error);
    return { error: (error as Error).message };
  }
}

/** All checks in one scan; when that is refused, one by one, so that only the guilty check is an error. */
async function scanEach(
  pool: Pool,
  stagingTable: string,
  checks: readonly CompiledCheck[],
): Promise<Attempt<ScanResult[number]>[]> {
  const together = await attemptQuery(() => scanChecks(pool, stagingTable, checks));
  if ('value' in together) return together.value.map((value) => ({ value }));
  const results: Attempt<ScanResult[number]>[] = [];
  for (const check of checks) {
    const alone = await attemptQuery(() => scanChecks(pool, stagingTable, [check]));
    results.push('error' in alone ? alone : { value: alone.value[0] ?? new Map<string, ScanCounts>() });
  }
  return results;
}

function summarize(
  check: StagingCheck,
  name: string,
  evaluation: Evaluation,
  loaded: ChecksRequest['partitions'],
): DetailedResult {
  const head = { name, type: check.type, severity: check.severity, base: baseOf(check) };
  if ('error' in evaluation) {
    const partitions = loaded.map(({ partition, rows }) => ({
      partition,
      rows,
      nulls: 0,
      bad: 0,
      good: 0,
      verdict: 'error' as const,
    }));
    const rows = loaded.reduce((sum, part) => sum + part.rows, 0);
    const counts = { rows, nulls: 0, bad: 0, good: 0, badKinds: 0, samples: [] };
    return {
      partitions,
      result: { ...head, ...counts, verdict: 'error', message: evaluation.error, ...failedOf(partitions) },
    };
  }
  const { finding } = evaluation;
  const partitions = [...finding.counts].map(([partition, counts]): PartitionResult => {
    const message = finding.messages?.get(partition);
    const verdict = finding.messages ? (message === undefined ? 'pass' : failed(check.severity)) : judge(check, counts);
    return {
      partition,
      ...counts,
      good: goodRows(check, counts),
      verdict,
      ...(message === undefined ? {} : { message }),
    };
  });
  const total = partitions.reduce(
    (sum, part) => ({ rows: sum.rows + part.rows, nulls: sum.nulls + part.nulls, bad: sum.bad + part.bad }),
    { rows: 0, nulls: 0, bad: 0 },
  );
  const nothing = partitions.length === 0 || (!finding.messages && baseRows(check, total) === 0);
  const messages = partitions.flatMap((part) =>
    part.message === undefined ? [] : [`${part.partition}: ${part.message}`],
  );
  return {
    partitions,
    result: {
      ...head,
      ...total,
      good: goodRows(check, total),
      verdict: nothing
        ? 'empty'
        : worst(partitions.map((part) => part.verdict).filter((verdict) => verdict !== 'empty')),
      badKinds: finding.badKinds ?? 0,
      samples: finding.samples ?? [],
      ...(messages.length === 0 ? {} : { message: messages.slice(0, 5).join('; ') }),
      ...failedOf(partitions),
    },
  };
}

function failedOf(
  partitions: readonly PartitionResult[],
): Pick<CheckResult, 'failedPartitions' | 'failedPartitionCount'> {
  const names = partitions
    .filter(({ verdict }) => verdict === 'fail' || verdict === 'error')
    .map(({ partition }) => partition);
  return { failedPartitions: names.slice(0, MAX_NAMED_PARTITIONS), failedPartitionCount: names.length };
}

function sumUp(details: readonly DetailedResult[], loaded: ChecksRequest['partitions']): RunChecksResult {
  const verdicts: Record<string, Verdict> = {};
  for (const { partition } of loaded) verdicts[partition] = 'pass';
  const held = new Map<string, string[]>();
  for (const { result, partitions } of details) {
    for (const { partition, verdict } of partitions) {
      verdicts[partition] = worst([verdicts[partition] ?? 'pass', verdict]);
      if (result.severity === 'block' && (verdict === 'fail' || verdict === 'error')) {
        held.set(partition, [...(held.get(partition) ?? []), result.name]);
      }
    }
  }
  const list: HeldPartition[] = [...held]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([partition, checks]) => ({ partition, checks }));
  return {
    verdict: loaded.length === 0 ? 'empty' : worst(details.map(({ result }) => result.verdict)),
    rows: loaded.reduce((sum, part) => sum + part.rows, 0),
    checks: details.map(({ result }) => result),
    verdicts,
    held: list,
  };
}
