/** The passwords and keys of one clone's servers: made once at random, kept in a file only its owner can read. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { layout } from './layout.js';

export interface Secrets {
  postgresPassword: string;
  s3AccessKeyId: string;
  s3SecretAccessKey: string;
  kafkaClusterId: string;
  /** Settings of servers that were given by environment when the stack was started. */
  given: Record<string, string>;
}

export async function readSecrets(root: string): Promise<Secrets | undefined> {
  const text = await readFile(layout(root).secrets, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Secrets);
}

export async function ensureSecrets(root: string, given: Record<string, string>): Promise<Secrets> {
  const found = await readSecrets(root);
  const secrets: Secrets = found === undefined ? { ...freshSecrets(), given } : { ...found, given };
  await writePrivate(layout(root).secrets, `${JSON.stringify(secrets, null, 2)}\n`);
  return secrets;
}

/** Writes a file that nobody else may read, whole or not at all. */
export async function writePrivate(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, text, { mode: 0o600 });
  await chmod(temporary, 0o600);
  await rename(temporary, file);
}

function freshSecrets(): Omit<Secrets, 'given'> {
  return {
    postgresPassword: randomBytes(24).toString('hex'),
    s3AccessKeyId: `SLUICE${randomBytes(7).toString('hex').toUpperCase()}`,
    s3SecretAccessKey: randomBytes(20).toString('hex'),
    kafkaClusterId: clusterId(),
  };
}

/** Kafka wants 16 bytes in URL-safe base64 and refuses an id that begins with a dash. */
function clusterId(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.toString('base64url');
}
