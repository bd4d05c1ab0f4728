/** Loads a declared source with the connections that the settings name. */
import { loadSource, type LoadSourceResult } from '../activities/source-load.js';
import type { Config } from '../infra/config.js';
import { createKafka } from '../infra/kafka/client.js';
import { cacheFolder } from '../infra/local/index.js';
import type { Pool } from '../infra/postgres/pool.js';
import { ensureBucket } from '../infra/s3/client.js';
import { createObjectStore } from '../infra/s3/object-store.js';
import { pipelinesDir } from './deps.js';
import { s3Of } from './s3.js';

/** Lines of progress are at least this far apart. */
const PROGRESS_EVERY_MS = 2_000;

export async function loadDeclaredSource(
  config: Config,
  pool: Pool,
  request: { source: string; dataDir?: string },
  say: (line: string) => void,
): Promise<LoadSourceResult> {
  const s3 = s3Of(config);
  let saidAtMs = 0;
  try {
    await ensureBucket(s3, config.S3_BUCKET);
    return await loadSource({
      ...request,
      pipelinesDir: pipelinesDir(config),
      cacheDir: cacheFolder(process.env),
      kafka: createKafka({ brokers: config.KAFKA_BROKERS.split(','), clientId: 'sluice-load' }),
      store: createObjectStore(s3),
      pool,
      lake: `s3://${config.S3_BUCKET}`,
      progress: ({ phase, done, total, day }) => {
        if (Date.now() - saidAtMs < PROGRESS_EVERY_MS) return;
        saidAtMs = Date.now();
        say(`load ${request.source}: ${phase} ${done}/${total}${day ? ` (${day})` : ''}`);
      },
    });
  } finally {
    s3.destroy();
  }
}
