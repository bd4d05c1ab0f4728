/** Makes one batch for Postgres from the records of a fetch: the newest change per key, and what cannot be used. */
import type { Decoded, SourceRecord } from './topic-sync-decode.js';
import type { KeyedChange, PartitionBatch, Reject } from './topic-sync-write.js';

/**
 * Records before `from` are passed over; of several for one key only that of the highest offset counts, wherever it
 * stands in the list. `to` is the position after the batch.
 */
export function makeBatch(
  partition: number,
  from: bigint,
  to: bigint,
  records: readonly SourceRecord[],
  decode: (record: SourceRecord) => Decoded,
): PartitionBatch & { records: number } {
  const newest = new Map<string, KeyedChange>();
  const rejects: Reject[] = [];
  let count = 0;
  for (const record of records) {
    const { offset, key: keyBytes, value: bytes } = record;
    if (BigInt(offset) < from) continue;
    count += 1;
    const decoded = decode(record);
    if (decoded.kind === 'reject') {
      rejects.push({ offset, reason: decoded.reason, keyBytes, bytes });
      continue;
    }
    const known = newest.get(decoded.id);
    if (known === undefined || BigInt(known.offset) < BigInt(offset)) {
      newest.set(decoded.id, { ...decoded, offset, keyBytes, bytes });
    }
  }
  return { partition, from, to, changes: [...newest.values()], rejects, records: count };
}
