/** Settings of every process: parsed once from the environment, all problems reported together, by name and never by value. */
import { z } from 'zod';
import { SluiceError } from './errors.js';

const url = (protocols: string[]) =>
  z.string().refine(
    (value) => {
      try {
        return protocols.includes(new URL(value).protocol);
      } catch {
        return false;
      }
    },
    `must be an address that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  );

const hostPort = z.string().regex(/^[^\s:/]+:\d{1,5}$/, 'must be host:port');
const name = z.string().regex(/^[a-z0-9-]+$/, 'must be of the form [a-z0-9-]+');

const schema = z.object({
  DATABASE_URL: url(['postgres:', 'postgresql:']),
  TEMPORAL_ADDRESS: hostPort,
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  TEMPORAL_UI_URL: url(['http:', 'https:']).optional(),
  KAFKA_BROKERS: z.string().regex(/^[^\s,:]+:\d{1,5}(,[^\s,:]+:\d{1,5})*$/, 'must be host:port[,host:port…]'),
  FLINK_REST_URL: url(['http:', 'https:']),
  SPARK_MASTER_REST_URL: url(['http:', 'https:']),
  SPARK_MASTER_URL: url(['spark:']).optional(),
  SPARK_MASTER_UI_URL: url(['http:', 'https:']),
  SPARK_HISTORY_URL: url(['http:', 'https:']).optional(),
  SPARK_EVENT_LOG_DIR: z.string().optional(),
  SPARK_SUBMIT_PROPERTIES: z.string().optional(),
  S3_ENDPOINT: url(['http:', 'https:']).optional(),
  S3_REGION: z.string().min(1).default('us-east-1'),
  S3_ACCESS_KEY_ID: z.string().min(1),
  S3_SECRET_ACCESS_KEY: z.string().min(1),
  S3_BUCKET: z.string().min(3).default('lake'),
  SLUICE_HOST_NAME: name.default('local'),
  SLUICE_FLINK_CLUSTER: name.default('flink'),
  SLUICE_SPARK_CLUSTER: name.default('spark'),
  SLUICE_PIPELINES_DIR: z.string().optional(),
  SLUICE_STATE_DIR: z.string().min(1).default('.sluice'),
  SLUICE_JAVA: z.string().min(1).default('java'),
  SLUICE_LINEAGE_FILE: z.string().optional(),
  SLUICE_LINEAGE_NAMESPACE: z.string().min(1).default('sluice'),
  SLUICE_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  SLUICE_RECONCILE_INTERVAL_MS: z.coerce.number().int().min(10_000).max(86_400_000).default(120_000),
  SLUICE_WATCH_INTERVAL_MS: z.coerce.number().int().min(100).max(60_000).default(1_000),
});

export type Config = Readonly<z.infer<typeof schema>>;
export const CONFIG_NAMES = Object.keys(schema.shape) as (keyof Config)[];

/** Throws CONFIG_INVALID listing every setting that is missing or wrong. An empty value counts as not set. */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([key, value]) => key in schema.shape && value !== ''));
  const parsed = schema.safeParse(given);
  if (parsed.success) return Object.freeze(parsed.data);
  const lines = parsed.error.issues.map((issue) => {
    const setting = String(issue.path[0]);
    const missing = given[setting] === undefined;
    return `  ${setting}: ${missing ? 'is not set' : issue.message}`;
  });
  throw new SluiceError(
    'CONFIG_INVALID',
    `settings are missing or wrong:\n${[...new Set(lines)].join('\n')}\n` +
      'Start the local stack with `npx sluice up`, or set them (README, section Settings).',
  );
}
