/** Messages between `curatedSync` and the activities that copy a result topic into its curated table. */

export interface SyncTopicInput {
  pipeline: string;
  /** Name in the schema `curated`. */
  table: string;
  topic: string;
  /** Column name to declared type. */
  columns: Record<string, string>;
  key: string[];
  mode: 'upsert';
  /** The value holds `rows`, all rows of one such group: they replace what the table has of it. */
  replaceBy?: string[];
  /** What an unusable record does: `divert` (default) sets it aside and goes on, `fail` stops before its batch. */
  onReject?: 'divert' | 'fail';
}

export interface SyncProgress {
  /** Next offset to be applied, per partition. */
  offsets: Record<string, string>;
  /** Records applied since the activity began, deletions included. */
  rows: number;
  deleted: number;
  rejected: number;
  /** Records behind the end of the topic; absent while the brokers do not answer. */
  lag?: number;
  /** Why nothing moves, as long as that is so. */
  waitingFor?: string;
}

export interface SyncLag {
  lag: number;
  partitions: { partition: number; next: string; end: string; lag: number }[];
}

export interface SyncActivities {
  /** Copies until an hour has passed or it is cancelled; resumes from the offsets in Postgres. */
  syncTopic(input: SyncTopicInput): Promise<SyncProgress>;
  /** Reads how far the stored offsets are behind the topic. */
  syncLag(input: SyncTopicInput): Promise<SyncLag>;
}
