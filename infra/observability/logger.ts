/** One JSON logger per process on stderr; known secrets are cut out by key. */
import { pino, type Logger } from 'pino';

const REDACT = [
  'password',
  '*.password',
  'connectionString',
  '*.connectionString',
  'databaseUrl',
  '*.databaseUrl',
  'secretAccessKey',
  '*.secretAccessKey',
  'S3_SECRET_ACCESS_KEY',
  'DATABASE_URL',
  'config.headers',
  '*.config.headers',
];

export function createLogger(name: string, level = 'info'): Logger {
  return pino({ name, level, redact: { paths: REDACT, censor: '***' } }, pino.destination({ dest: 2, sync: false }));
}
