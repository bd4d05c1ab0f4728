/** Installs the Temporal runtime once, with its logs going into our one pino logger. */
import { DefaultLogger, Runtime, type LogEntry } from '@temporalio/worker';
import type { Logger } from 'pino';

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

export function installRuntime(log: Logger): void {
  Runtime.install({
    logger: new DefaultLogger('INFO', (entry: LogEntry) => {
      log[LEVELS[entry.level]](entry.meta ?? {}, entry.message);
    }),
    shutdownSignals: [],
  });
}
