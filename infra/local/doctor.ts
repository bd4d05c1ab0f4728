/** Looks at the machine and says, line by line, what the local stack needs and how to get it. */
import { readFile, stat, statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname } from 'node:path';
import { SluiceError } from '../errors.js';
import { COMPONENTS } from './components/index.js';
import { canUnshare, findUnprivilegedUser } from './components/postgres-runner.js';
import { givenSettings } from './env.js';
import { isInstalled } from './fetch/artifact.js';
import { layout } from './layout.js';
import { NEEDS } from './memory.js';
import { findJdk, findPlatform, PLATFORM_WANTED } from './platform.js';
import { firstTaken, HIGHEST_BASE, opened, portsFrom, PORT_OFFSETS, wantedBase, type PortName } from './ports.js';
import { listProcesses } from './process.js';
import { run } from './run.js';

/** One thing the stack needs. A warning is worth reading but stops nothing. */
export interface Check {
  what: string;
  ok: boolean;
  warning: boolean;
  found: string;
  /** What to do; empty when nothing is. */
  fix: string;
}

export interface DoctorOptions {
  root: string;
  env: NodeJS.ProcessEnv;
}

export async function doctor(options: DoctorOptions): Promise<Check[]> {
  const asked = await Promise.all([
    checkJdk(options.env),
    checkMaven(),
    checkPython(),
    checkMemory(),
    checkDisk(options.root),
    checkPorts(options),
    checkRoot(options.env),
  ]);
  return [checkPlatform(), checkNode(), ...asked];
}

/** Throws one error that lists every failed check, a line each. */
export async function requireHealthy(options: DoctorOptions): Promise<void> {
  const failed = (await doctor(options)).filter(({ ok }) => !ok);
  if (failed.length > 0) throw new SluiceError('LOCAL_STACK', failed.map(describe).join('\n'));
}

/** One line for a person. */
export function describe(check: Check): string {
  const mark = check.ok ? (check.warning ? 'warn' : 'ok') : 'FAIL';
  return `${mark} ${check.what}: ${check.found}${check.fix === '' ? '' : `; ${check.fix}`}`;
}

function good(what: string, found: string): Check {
  return { what, ok: true, warning: false, found, fix: '' };
}

function warn(what: string, found: string, fix: string): Check {
  return { what, ok: true, warning: true, found, fix };
}

function bad(what: string, found: string, fix: string): Check {
  return { what, ok: false, warning: false, found, fix };
}

function checkPlatform(): Check {
  const { platform, found } = findPlatform();
  if (platform !== undefined) return good('platform', found);
  return bad(
    'platform',
    found,
    `the local servers need ${PLATFORM_WANTED}; give running servers by environment instead`,
  );
}

function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fine = major > 20 || (major === 20 && minor >= 3);
  if (fine) return good('node', process.versions.node);
  return bad('node', process.versions.node, 'install Node.js 20.3 or newer');
}

async function checkJdk(env: NodeJS.ProcessEnv): Promise<Check> {
  const install = 'on Debian: apt-get install openjdk-17-jdk-headless';
  const jdk = await findJdk(env);
  if (jdk === undefined) return bad('jdk', 'none at JAVA_HOME or on PATH', install);
  const found = `${jdk.version} at ${jdk.home}`;
  if (!jdk.hasCompiler) return bad('jdk', `${found}, a runtime without a compiler`, install);
  if (jdk.version === 17 || jdk.version === 21) return good('jdk', found);
  return warn('jdk', found, 'tested are 17 and 21; set JAVA_HOME to one of them');
}

async function checkMaven(): Promise<Check> {
  const said = await run('mvn', ['--version'], { timeoutMs: 60_000 }).catch(() => undefined);
  const version = said && /Apache Maven (\S+?)(?:\u001b|\s)/.exec(said)?.[1];
  if (version) return good('maven', version);
  return bad('maven', 'no mvn on PATH', 'on Debian: apt-get install maven');
}

async function checkPython(): Promise<Check> {
  const fix = 'on Debian: apt-get install python3 python3-pip';
  const python = await run('python3', ['--version'], { timeoutMs: 30_000 }).catch(() => undefined);
  if (python === undefined) return bad('python', 'no python3 on PATH', fix);
  const pip = await run('python3', ['-m', 'pip', '--version'], { timeoutMs: 60_000 }).catch(() => undefined);
  const version = pip && /^pip (\S+)/m.exec(pip)?.[1];
  const found = python.trim().replace('Python ', '');
  return version ? good('python', `${found}, pip ${version}`) : bad('python', `${found} without pip`, fix);
}

async function checkMemory(): Promise<Check> {
  const gib = (await memoryLimit()) / 2 ** 30;
  const found = `${gib.toFixed(1)} GiB`;
  // Machines sold as 8 GiB show a little less.
  if (gib >= NEEDS.memoryGib * 0.9) return good('memory', found);
  return bad('memory', found, `the servers need a machine of ${NEEDS.memoryGib} GiB`);
}

/** The machine's memory, or less where a container is given less. */
async function memoryLimit(): Promise<number> {
  const limit = await readFile('/sys/fs/cgroup/memory.max', 'utf8').catch(() => 'max');
  const bytes = Number(limit.trim());
  return Number.isFinite(bytes) ? Math.min(bytes, totalmem()) : totalmem();
}

async function checkDisk(root: string): Promise<Check> {
  const { bavail, bsize } = await statfs(await nearest(layout(root).base));
  const free = (bavail * bsize) / 1e9;
  const found = `${free.toFixed(1)} GB free`;
  const needed = (await allInstalled(root)) ? NEEDS.diskWhenUnpackedGb : NEEDS.diskGb;
  if (free >= needed) return good('disk', found);
  return bad('disk', found, `free ${needed} GB for the servers and their data`);
}

async function allInstalled(root: string): Promise<boolean> {
  const { platform } = findPlatform();
  if (platform === undefined) return false;
  return (await Promise.all(COMPONENTS.map((component) => isInstalled(root, component, platform)))).every(Boolean);
}

/** The folder itself, or the closest one above it that exists. */
async function nearest(folder: string): Promise<string> {
  return (await stat(folder).catch(() => undefined)) ? folder : nearest(dirname(folder));
}

async function checkPorts({ root, env }: DoctorOptions): Promise<Check> {
  const base = wantedBase(env);
  if ((await listProcesses(root)).some(({ running }) => running)) return good('ports', 'this stack is running');
  const taken = await firstTaken(opened(portsFrom(base), Object.keys(PORT_OFFSETS) as PortName[]));
  if (taken === undefined) return good('ports', `free from ${base}`);
  return warn(
    'ports',
    `${taken} is taken`,
    `the next free hundred up to ${HIGHEST_BASE} is used; SLUICE_PORT_BASE chooses`,
  );
}

async function checkRoot(env: NodeJS.ProcessEnv): Promise<Check> {
  if (process.getuid?.() !== 0) return good('user', 'not root');
  if (givenSettings(env).DATABASE_URL !== undefined) return good('user', 'root, PostgreSQL is given');
  if (process.platform === 'linux' && (await canUnshare())) return good('user', 'root, PostgreSQL runs under unshare');
  const other = await findUnprivilegedUser();
  if (other !== undefined) return good('user', `root, PostgreSQL runs as ${other.name}`);
  return bad('user', 'root, and PostgreSQL refuses root', 'run as an ordinary user or set DATABASE_URL');
}
