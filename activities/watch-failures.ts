/** How a pass of the watcher may fail: with no verdict that ends it, for without it nobody sees a job end. */
import { SluiceError } from '../infra/errors.js';
import { toStoreError } from '../infra/postgres/pool.js';

/** Makes a coded failure retryable: a store that refuses now may be migrated, a cluster configured, meanwhile. */
export function retryableFailure(error: unknown): unknown {
  const known = error instanceof Error && 'severity' in error ? toStoreError(error) : error;
  if (!(known instanceof SluiceError) || known.retryable) return known;
  const { code, message, details } = known;
  return new SluiceError(code, message, { retryable: true, cause: known.cause ?? known, details });
}
