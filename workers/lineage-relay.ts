/** Starts the lineage relay of a worker: the outbox goes to a file of JSON lines. */
import { join, resolve } from 'node:path';
import { FileTransport, OpenLineageClient } from 'openlineage-client';
import type { Logger } from 'pino';
import type { Config } from '../infra/config.js';
import type { Pool } from '../infra/postgres/pool.js';
import { startRelay } from './relay.js';

const lineageFile = (config: Pick<Config, 'SLUICE_LINEAGE_FILE' | 'SLUICE_STATE_DIR'>): string =>
  resolve(config.SLUICE_LINEAGE_FILE ?? join(config.SLUICE_STATE_DIR, 'lineage', 'events.jsonl'));

export function startLineageRelay(config: Config, pool: Pool, log: Logger): { stop: () => Promise<void> } {
  const client = new OpenLineageClient({ transport: new FileTransport({ path: lineageFile(config) }) });
  const relay = startRelay({ pool, client, log });
  return {
    stop: async () => {
      await relay.stop();
      await client.close();
    },
  };
}
