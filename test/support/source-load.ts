/** Loads a source into a topic, database and lake folder of a test's own; run as a program it is a loader to be killed. */
import { pathToFileURL } from 'node:url';
import type { Kafka } from 'kafkajs';
import { loadSource, type LoadProgress, type LoadSourceResult } from '../../activities/source-load.js';
import { createKafka } from '../../infra/kafka/client.js';
import { createPool } from '../../infra/postgres/pool.js';
import { createS3, ensureBucket } from '../../infra/s3/client.js';
import { createObjectStore, type ObjectStore } from '../../infra/s3/object-store.js';
import { testCacheDir } from './canonical-sales.js';

const NEEDED = ['KAFKA_BROKERS', 'DATABASE_URL', 'S3_ENDPOINT', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'] as const;

/** Reason to skip, or false. */
export const NO_SERVERS: string | false = (() => {
  const missing = NEEDED.filter((name) => process.env[name] === undefined);
  return missing.length > 0 ? `${missing.join(', ')} not set` : false;
})();

export interface TestLoad {
  source: string;
  dataDir?: string;
  pipelinesDir: string;
  topic: string;
  lake: string;
  databaseUrl: string;
}

export function testKafka(): Kafka {
  return createKafka({ brokers: (process.env['KAFKA_BROKERS'] ?? '').split(','), clientId: 'sluice-test' });
}

export async function testStore(bucket: string): Promise<{ store: ObjectStore; close: () => void }> {
  const s3 = createS3({
    endpoint: process.env['S3_ENDPOINT'],
    accessKeyId: process.env['S3_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: process.env['S3_SECRET_ACCESS_KEY'] ?? '',
  });
  await ensureBucket(s3, bucket);
  return { store: createObjectStore(s3), close: () => s3.destroy() };
}

export async function runLoad(
  load: TestLoad,
  options: { progress?: (progress: LoadProgress) => void; signal?: AbortSignal } = {},
): Promise<LoadSourceResult> {
  const { databaseUrl, ...rest } = load;
  const { store, close } = await testStore(load.lake.split('/')[2] as string);
  const pool = createPool({ connectionString: databaseUrl, applicationName: 'sluice-test-load', max: 2 });
  try {
    return await loadSource({ ...rest, cacheDir: testCacheDir(), kafka: testKafka(), store, pool, ...options });
  } finally {
    await pool.end();
    close();
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const load = JSON.parse(process.argv[2] as string) as Omit<TestLoad, 'databaseUrl'>;
  await runLoad(
    { ...load, databaseUrl: process.env['TEST_DATABASE_URL'] as string },
    { progress: ({ day }) => void (day !== undefined && process.stdout.write(`${day}\n`)) },
  );
}
