/** A single day that is known to hold no sale is refused before any engine is called. */
import { SluiceError } from '../infra/errors.js';
import type { Pool } from '../infra/postgres/pool.js';
import type { RunRequest } from './requests.js';

/** Days with sales are known once a source is loaded; without one, staging decides. */
export async function refuseEmptyDay(pool: Pool, request: RunRequest): Promise<void> {
  const { pipeline, partition } = request;
  if (partition.kind !== 'day' || pipeline.partition.onEmpty !== 'fail' || pipeline.sources.length === 0) return;
  const { rows } = await pool.query<{ loaded: boolean; present: boolean; first: string; last: string }>(
    `select count(*) > 0 as loaded, coalesce(bool_or(day = $1::date), false) as present,
       min(day)::text as first, max(day)::text as last from control.source_day`,
    [partition.from],
  );
  const known = rows[0];
  if (!known?.loaded || known.present) return;
  throw new SluiceError(
    'EMPTY_PARTITION',
    `${pipeline.name}: no sales on ${partition.from}; nothing was overwritten. Sales are known from ${known.first} to ${known.last}`,
  );
}
