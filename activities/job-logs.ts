/** Keeps the tail of every ended job's log in the object store, for engines forget; a log that cannot be had stops nothing. */
import { Context } from '@temporalio/activity';
import type { EnginePort } from '../engines/port.js';
import { messageOf } from '../infra/errors.js';
import type { EngineJobRow } from '../infra/postgres/engine-jobs.js';
import { listWantedLogs, markLogKept, markLogTried, MAX_LOG_TRIES } from '../infra/postgres/job-logs.js';
import type { ActivityDeps } from './deps.js';
import { handleOf } from './job-handle.js';
import { readableLog } from './log-text.js';

/** Kept of each log. */
export const LOG_BYTES = 256 * 1024;

/** So many logs are looked at in one call, so that a crowd of ended jobs holds up no interval for long. */
const LOGS_PER_CALL = 20;

export const logUrl = (bucket: string, key: string): string => `s3://${bucket}/_logs/${key}.log`;

/** Copies the logs that are due and returns how many were copied; throws only when the ledger cannot be read or written. */
export async function keepLogs(
  deps: Pick<ActivityDeps, 'pool' | 'objects' | 'settings' | 'now'>,
  port: EnginePort,
  cluster: string,
  signal: AbortSignal,
): Promise<number> {
  let kept = 0;
  for (const row of await listWantedLogs(deps.pool, cluster, deps.now(), LOGS_PER_CALL)) {
    const outcome = await copyLog(row);
    if (signal.aborted) break;
    if (outcome.copiedTo !== undefined) kept += 1;
    if (outcome.fault === undefined) await markLogKept(deps.pool, row.key, outcome.copiedTo);
    else if (await markLogTried(deps.pool, row.key)) giveUp(row, outcome.fault);
  }
  return kept;

  async function copyLog(row: EngineJobRow): Promise<{ copiedTo?: string; fault?: string }> {
    try {
      const text = readableLog(await port.logs(handleOf(row), LOG_BYTES, signal), LOG_BYTES);
      if (text === '') return mustHaveLog(row) ? { fault: 'the engine gives no log' } : {};
      const url = logUrl(deps.settings.bucket, row.key);
      await deps.objects.putText(url, text);
      return { copiedTo: url };
    } catch (error) {
      return { fault: messageOf(error) };
    }
  }
}

/** What ended badly has said why; an empty answer then means that nobody could be asked, not that there is nothing. */
const mustHaveLog = ({ state }: EngineJobRow): boolean => state === 'failed' || state === 'lost';

function giveUp(row: EngineJobRow, fault: string): void {
  Context.current().log.warn(`the log of ${row.key} is not kept: ${readableLog(fault, 1_000)}`, {
    engine: row.engine,
    engineJobId: row.engine_job_id,
    tries: MAX_LOG_TRIES,
  });
}
