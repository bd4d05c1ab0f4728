/** The engine-side handle of a ledger row. */
import type { JobHandle, JobSpec } from '../engines/port.js';
import type { EngineJobRow } from '../infra/postgres/engine-jobs.js';

export function handleOf(row: EngineJobRow): JobHandle {
  const ran = row.state === 'running' || row.state === 'restarting';
  const handle: JobHandle = { key: row.key, spec: row.spec as unknown as JobSpec, ...(ran ? { ran } : {}) };
  return row.engine_job_id ? { ...handle, engineJobId: row.engine_job_id } : handle;
}
