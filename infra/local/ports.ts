/** The ports of one clone: fixed offsets from a base, recorded, and moved as a whole when one of them is taken. */
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { SluiceError } from '../errors.js';
import { isAlive, ownIdentity } from './identity.js';
import { cacheFolder, layout } from './layout.js';
import { createExclusively, readHolder } from './lock.js';

export const PORT_OFFSETS = {
  temporal: 0,
  temporalUi: 1,
  temporalHttp: 2,
  temporalMetrics: 3,
  postgres: 10,
  kafka: 20,
  kafkaController: 21,
  flinkRest: 30,
  flinkJobManager: 31,
  flinkBlob: 32,
  flinkTaskManager: 33,
  flinkTaskManagerData: 34,
  sparkMaster: 40,
  sparkRest: 41,
  sparkMasterUi: 42,
  sparkWorker: 43,
  sparkWorkerUi: 44,
  sparkHistory: 45,
  sparkDriverUi: 46,
  s3: 70,
  s3Master: 71,
  s3Filer: 72,
  s3Volume: 73,
  s3Admin: 74,
} as const;

export type PortName = keyof typeof PORT_OFFSETS;
export type Ports = Record<PortName, number>;

/** SeaweedFS opens a second port at this distance from each of its own. */
export const GRPC_DISTANCE = 10_000;
const GRPC_PORTS: readonly PortName[] = ['s3', 's3Master', 's3Filer', 's3Volume', 's3Admin'];

const SOCKET = /^seaweedfs-.*-(\d+)\.sock$/;

const DEFAULT_BASE = 17_200;
const STEP = 100;
/** The highest base whose ports all stay below the range that systems hand out by themselves (32768). */
export const HIGHEST_BASE = 32_767 - GRPC_DISTANCE - STEP + 1;

export function portsFrom(base: number): Ports {
  const entries = Object.entries(PORT_OFFSETS).map(([name, offset]) => [name, base + offset] as const);
  return Object.fromEntries(entries) as Ports;
}

/** The first base to try, from `SLUICE_PORT_BASE`. */
export function wantedBase(env: NodeJS.ProcessEnv): number {
  const text = env.SLUICE_PORT_BASE;
  if (text === undefined || text === '') return DEFAULT_BASE;
  const base = Number(text);
  if (!Number.isInteger(base) || base < 1024 || base > HIGHEST_BASE) {
    throw new SluiceError('CONFIG_INVALID', `SLUICE_PORT_BASE must be a whole number from 1024 to ${HIGHEST_BASE}.`);
  }
  return base;
}

/** All ports that the given names open, second ports included. */
export function opened(ports: Ports, names: readonly PortName[]): number[] {
  return names.flatMap((name) =>
    GRPC_PORTS.includes(name) ? [ports[name], ports[name] + GRPC_DISTANCE] : [ports[name]],
  );
}

export async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

export async function firstTaken(ports: readonly number[]): Promise<number | undefined> {
  for (const port of ports) if (!(await isFree(port))) return port;
  return undefined;
}

export async function recordedBase(root: string): Promise<number | undefined> {
  const text = await readFile(layout(root).ports, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { base } = JSON.parse(text) as { base: number };
  return base;
}

export async function recordBase(root: string, base: number): Promise<void> {
  const file = layout(root).ports;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ base, ports: portsFrom(base) }, null, 2)}\n`);
}

/** A base whose ports are free and that no other clone is just starting on; `release` when the servers hold them. */
export interface ReservedBase {
  base: number;
  release: () => Promise<void>;
}

export async function reserveBase(
  root: string,
  env: NodeJS.ProcessEnv,
  names: readonly PortName[],
): Promise<ReservedBase> {
  const wanted = wantedBase(env);
  const recorded = env.SLUICE_PORT_BASE ? undefined : await recordedBase(root);
  const later = Array.from({ length: Math.floor((HIGHEST_BASE - wanted) / STEP) + 1 }, (_, i) => wanted + i * STEP);
  for (const base of new Set([...(recorded === undefined ? [] : [recorded]), ...later])) {
    const release = await reserve(env, base);
    if (release === undefined) continue;
    const ports = portsFrom(base);
    const usable = (await firstTaken(opened(ports, names))) === undefined && !(await hasForeignSocket(ports));
    if (usable) return { base, release };
    await release();
  }
  throw new SluiceError('LOCAL_STACK', `No free ports from ${wanted} to ${HIGHEST_BASE}; set SLUICE_PORT_BASE lower.`);
}

/** SeaweedFS puts sockets named by port into /tmp; one that another user's server left there cannot be replaced. */
async function hasForeignSocket(ports: Ports): Promise<boolean> {
  const user = process.getuid?.();
  if (user === 0) return false;
  const numbers = new Set(opened(ports, GRPC_PORTS).map(String));
  const sockets = (await readdir('/tmp')).filter((name) => numbers.has(SOCKET.exec(name)?.[1] ?? ''));
  const found = await Promise.all(sockets.map(async (name) => stat(join('/tmp', name)).catch(() => undefined)));
  return found.some((socket) => socket !== undefined && socket.uid !== user);
}

/** Marks a base as being started on; the mark of a process that has ended counts for nothing. */
async function reserve(env: NodeJS.ProcessEnv, base: number): Promise<(() => Promise<void>) | undefined> {
  const file = join(cacheFolder(env), 'bases', String(base));
  await mkdir(dirname(file), { recursive: true });
  const mine = JSON.stringify(await ownIdentity());
  for (let attempt = 0; attempt < 2; attempt += 1) {
    if (await createExclusively(file, mine)) return () => rm(file, { force: true });
    const holder = await readHolder(file);
    if (holder !== undefined && (await isAlive(holder))) return undefined;
    await rm(file, { force: true });
  }
  return undefined;
}
