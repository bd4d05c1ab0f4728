/** Inputs and results of the activities that load, check, publish and compare curated tables. Small JSON only. */

export type PartitionGrain = 'day' | 'month' | 'quarter';
/** Worst first: error > fail > empty > warn > pass. */
export type Verdict = 'pass' | 'warn' | 'empty' | 'fail' | 'error';
export type CheckSeverity = 'block' | 'warn';
/** A check as declared in the pipeline; parsed by the activity. */
export type DeclaredCheck = Record<string, unknown>;

/** The part of a run's identity that curated writes need; a `RunRef` fits. */
export interface CuratedRun {
  workflowId: string;
  firstRunId: string;
  runId: string;
  pipeline: string;
  /** First day of the half-open range. */
  from: string;
  /** Day after the last one. */
  to: string;
  /** Content hash of the pipeline spec and its job files. */
  specHash: string;
  /** OpenLineage run id that the ledger row points at. */
  lineageRunId: string;
}

/** The declared form of a batch table; a `TablePlan` fits. */
export interface CuratedTable {
  table: string;
  /** Dataset name in the manifest. */
  output: string;
  /** Column name to declared type, in the order of the table. */
  columns: Record<string, string>;
  key: readonly string[];
  partitionColumn: string;
  grain: PartitionGrain;
}

export interface LoadStagingInput {
  run: CuratedRun;
  table: CuratedTable;
  /** `s3://bucket/…/<key>/_manifest.json` of the submission whose rows are loaded. */
  manifest: string;
  submissionKey: string;
}

export interface PartitionRows {
  /** First day of the partition. */
  partition: string;
  rows: number;
}

export interface LoadStagingResult {
  /** Name inside the schema `staging`. */
  stagingTable: string;
  rows: number;
  partitions: PartitionRows[];
}

export interface RunChecksInput {
  run: CuratedRun;
  table: CuratedTable;
  stagingTable: string;
  submissionKey: string;
  /** The table's checks; `reconcile` checks are left to `compareTables`. */
  checks: readonly DeclaredCheck[];
}

export interface CheckSample {
  /** The bad value, or the row's key where the value says nothing; null = SQL null. */
  value: string | null;
  count: number;
}

export interface CheckResult {
  name: string;
  type: string;
  severity: CheckSeverity;
  verdict: Verdict;
  /** Rows looked at, after `where`. */
  rows: number;
  nulls: number;
  bad: number;
  good: number;
  /** What a percentage is measured against: `non_null` or `rows`. */
  base: 'non_null' | 'rows';
  /** Different bad values; at least the number of samples. */
  badKinds: number;
  /** At most 20, most frequent first. */
  samples: CheckSample[];
  message?: string;
  /** Partitions whose own verdict is fail or error; at most 20 named. */
  failedPartitions: string[];
  failedPartitionCount: number;
}

export interface HeldPartition {
  partition: string;
  /** Names of the checks that hold it back. */
  checks: string[];
}

export interface RunChecksResult {
  /** Worst of all checks over the whole range. */
  verdict: Verdict;
  rows: number;
  checks: CheckResult[];
  /** Verdict of every partition in staging. */
  verdicts: Record<string, Verdict>;
  /** Partitions that must not be published: a blocking check failed or could not be evaluated. */
  held: HeldPartition[];
}

export interface PublishTableInput {
  run: CuratedRun;
  table: CuratedTable;
  stagingTable: string;
  submissionKey: string;
  fence: number;
  /** Verdicts and held partitions as `runChecks` returned them; partitions without a verdict are published as `pass`. */
  verdicts?: Record<string, Verdict>;
  held?: readonly HeldPartition[];
  onEmpty: 'fail' | 'warn' | 'allow';
  /** What the rows were computed from; kept in the ledger as it is. */
  inputSnapshot?: Record<string, unknown>;
}

export interface PublishTableResult {
  table: string;
  /** Partitions published by this submission, by this call or an earlier attempt of it. */
  published: number;
  rows: number;
  /** Partitions without rows: recorded, nothing overwritten. */
  empty: number;
  /** Partitions that later work had already replaced; left as they are. */
  superseded: number;
  /** Partitions held back by checks. */
  held: HeldPartition[];
  /** First and last published partition, if any. */
  first?: string;
  last?: string;
}

export interface CompareTablesInput {
  run: CuratedRun;
  /** Table under which the check is declared. */
  table: string;
  check: DeclaredCheck;
}

export interface CompareSample {
  key: Record<string, string | null>;
  /** Values of the side; null when the side has no such row. */
  left: Record<string, string | null> | null;
  right: Record<string, string | null> | null;
}

export interface CompareTablesResult {
  name: string;
  severity: CheckSeverity;
  /** `empty` = a side has nothing for the range, so nothing was compared. */
  verdict: Verdict;
  from: string;
  to: string;
  leftRows: number;
  rightRows: number;
  agree: number;
  differ: number;
  onlyLeft: number;
  onlyRight: number;
  /** At most 20, largest difference first. */
  samples: CompareSample[];
  message?: string;
}

export interface CuratedActivities {
  /** Loads a finished submission's files into a staging table; verified against the manifest. Idempotent: starts over. */
  loadStaging(input: LoadStagingInput): Promise<LoadStagingResult>;
  /** Evaluates all checks on staging in one scan and records the results. A failed check is data, not an exception. */
  runChecks(input: RunChecksInput): Promise<RunChecksResult>;
  /**
   * Replaces the partitions of the range, one transaction each. Fails with STORE_CONFLICT (days published, days lost) when
   * the run no longer owns a day, and with EMPTY_PARTITION when there is nothing to publish and `onEmpty` is `fail`.
   */
  publishTable(input: PublishTableInput): Promise<PublishTableResult>;
  /** Compares two engines' answers for the run's range and records the result. */
  compareTables(input: CompareTablesInput): Promise<CompareTablesResult>;
  /** Drops the staging table; nothing happens when it is gone. */
  dropStaging(input: { stagingTable: string }): Promise<void>;
}
