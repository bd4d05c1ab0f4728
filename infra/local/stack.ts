/** The local stack as a whole: fetch, start, tell the addresses, stop. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, SluiceError } from '../errors.js';
import { COMPONENTS } from './components/index.js';
import { foreignFolder } from './components/postgres-runner.js';
import { requireHealthy } from './doctor.js';
import { givenSettings, mergeSettings, ownSettings } from './env.js';
import { ensureArtifact, type FetchContext } from './fetch/artifact.js';
import { gate } from './gate.js';
import { cacheFolder, layout } from './layout.js';
import { withLock } from './lock.js';
import { requireJavaHome, requirePlatform } from './platform.js';
import { firstTaken, portsFrom, recordBase, recordedBase, reserveBase, PORT_OFFSETS } from './ports.js';
import type { PortName } from './ports.js';
import { listProcesses, startProcess, stopProcess } from './process.js';
import { ensureSecrets, readSecrets } from './secrets.js';
import type { Component, Progress, StackContext, StackEnv } from './types.js';

export interface StackOptions {
  root: string;
  env: NodeJS.ProcessEnv;
  progress: Progress;
}

const FETCHES_AT_ONCE = 2;
const STARTS_AT_ONCE = 3;

/** Brings up every server that is neither running nor given, and returns the settings of all. */
export async function startStack(options: StackOptions): Promise<StackEnv> {
  const { root, progress } = options;
  await mkdir(layout(root).base, { recursive: true });
  return withLock(layout(root).lock, async () => start(options), {
    onWait: (holder) => progress(`process ${holder} is starting or stopping this stack, waiting`),
  });
}

/** The settings of a stack that was started in this clone; undefined when none was. */
export async function stackEnv(root: string, env: NodeJS.ProcessEnv): Promise<StackEnv | undefined> {
  const own = await recordedSettings(root);
  const secrets = await readSecrets(root);
  if (secrets === undefined || Object.keys(own).length === 0) return undefined;
  return mergeSettings(own, { ...secrets.given, ...givenSettings(env, own) });
}

/** Ends what this clone started, last one first; `wipe` also deletes its data, not the unpacked servers. */
export async function stopStack(options: { root: string; progress: Progress; wipe?: boolean }): Promise<void> {
  const { root, progress } = options;
  await mkdir(layout(root).base, { recursive: true });
  await withLock(layout(root).lock, async () => {
    const failures: string[] = [];
    for (const { name, running } of (await listProcesses(root)).reverse()) {
      try {
        if (await stopProcess(root, name)) progress(`${name}: stopped`);
        else if (running) progress(`${name}: had ended`);
      } catch (error) {
        failures.push(messageOf(error));
      }
    }
    if (failures.length > 0) throw new SluiceError('LOCAL_STACK', failures.join('\n'));
    if (options.wipe === true) await wipe(root, progress);
  });
}

async function start({ root, env, progress }: StackOptions): Promise<StackEnv> {
  const given = givenSettings(env, await recordedSettings(root));
  const local = COMPONENTS.filter(({ givenBy }) => given[givenBy] === undefined);
  if (local.length > 0) await requireHealthy({ root, env });
  const { base, release } = await chooseBase(root, env);
  try {
    await recordBase(root, base);
    const secrets = await ensureSecrets(root, given);
    const ports = portsFrom(base);
    const result = mergeSettings(ownSettings(root, ports, secrets), given);
    if (local.length > 0) {
      const javaHome = local.some(({ needsJava }) => needsJava) ? await requireJavaHome(env) : '';
      const fetching = { root, cache: cacheFolder(env), platform: requirePlatform(), javaHome, progress };
      await bringUp(local, fetching, { root, ports, secrets, env: result, javaHome, progress });
    }
    return result;
  } finally {
    await release();
  }
}

/** What this clone's own servers were told last time; empty when there was none. */
async function recordedSettings(root: string): Promise<StackEnv> {
  const base = await recordedBase(root);
  const secrets = await readSecrets(root);
  return base === undefined || secrets === undefined ? {} : ownSettings(root, portsFrom(base), secrets);
}

/** Fetches and starts all components, each as soon as it can; reports every failure together. */
async function bringUp(
  local: readonly Component[],
  fetching: FetchContext,
  shared: Omit<StackContext, 'home' | 'data'>,
): Promise<void> {
  const fetchGate = gate(FETCHES_AT_ONCE);
  const startGate = gate(STARTS_AT_ONCE);
  const results = await Promise.allSettled(
    local.map(async (component) => {
      const home = await fetchGate(async () => ensureArtifact(component, fetching));
      const data = join(layout(fetching.root).data, component.name);
      await startGate(async () => startComponent(component, { ...shared, home, data }));
    }),
  );
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [messageOf(result.reason)] : []));
  if (failures.length > 0) throw new SluiceError('LOCAL_STACK', failures.join('\n'));
}

async function startComponent(component: Component, context: StackContext): Promise<void> {
  const started = Date.now();
  const running = new Set((await listProcesses(context.root)).flatMap(({ name, running: yes }) => (yes ? [name] : [])));
  const specs = await component.processes(context);
  const missing = specs.filter(({ name }) => !running.has(name));
  for (const { name, ports } of missing) {
    const taken = await firstTaken(ports ?? []);
    if (taken === undefined) continue;
    throw new SluiceError('LOCAL_STACK', `${name}: port ${taken} is taken by another program; run down, then again.`);
  }
  if (missing.length === specs.length) await component.prepare(context);
  const results = await Promise.all(specs.map(async (spec) => startProcess(context.root, spec)));
  await component.finish?.(context);
  const fresh = results.some(({ reused }) => !reused);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  context.progress(`${component.name} ${component.version}: ${fresh ? `started in ${seconds} s` : 'runs already'}`);
}

/** The recorded base while something of ours runs on it; otherwise one whose ports are all free. */
async function chooseBase(
  root: string,
  env: NodeJS.ProcessEnv,
): Promise<{ base: number; release: () => Promise<void> }> {
  const recorded = await recordedBase(root);
  const runs = (await listProcesses(root)).some(({ running }) => running);
  if (recorded !== undefined && runs) return { base: recorded, release: () => Promise.resolve() };
  return reserveBase(root, env, Object.keys(PORT_OFFSETS) as PortName[]);
}

/** Deletes everything in `.sluice` but the unpacked servers and the locks that may be held. */
async function wipe(root: string, progress: Progress): Promise<void> {
  const { base, runtime, lock, workersLock } = layout(root);
  const kept = new Set([runtime, lock, workersLock]);
  for (const entry of await readdir(base)) {
    if (!kept.has(join(base, entry))) await rm(join(base, entry), { recursive: true, force: true });
  }
  await rm(foreignFolder(root), { recursive: true, force: true });
  progress('data deleted');
}
