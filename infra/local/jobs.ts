/** Builds the engines' job jars with Maven, once per state of their sources, and shares the result between clones. */
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { SluiceError } from '../errors.js';
import { sha256Of, withTemporary } from './fetch/cache.js';
import { cacheFolder, layout } from './layout.js';
import { withLock } from './lock.js';
import { requireJavaHome } from './platform.js';
import { run } from './run.js';
import type { Progress } from './types.js';

export interface BuildJobsOptions {
  root: string;
  env: NodeJS.ProcessEnv;
  /** Default: the user's cache folder. */
  cacheDir?: string;
  progress: Progress;
}

/** The jar of each engine, `sluice-<engine>-jobs.jar`. */
export type JobJars = Record<(typeof ENGINES)[number], string>;

const ENGINES = ['flink', 'spark', 'kafka-streams'] as const;
/** Written beside the jars it speaks for, so that `mvn clean` takes it away too. */
const STAMP = '.built-from';

export async function buildJobs(options: BuildJobsOptions): Promise<JobJars> {
  const { root, progress } = options;
  const cache = join(options.cacheDir ?? cacheFolder(options.env), 'jobs');
  await mkdir(layout(root).logs, { recursive: true });
  await withLock(join(layout(root).base, 'jobs.lock'), async () => {
    const started = Date.now();
    const hash = await sourceHash(root);
    if (await upToDate(root, hash)) return progress('jobs: up to date');
    if (await restore(root, join(cache, hash), hash)) return progress('jobs: taken from the cache');
    progress('jobs: building with Maven');
    await build(root, options.env);
    await stampAll(root, hash);
    await keep(root, cache, hash);
    progress(`jobs: built in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  });
  return jobJars(root);
}

export function jobJars(root: string): JobJars {
  const jar = (engine: string): string => join(target(root, engine), `sluice-${engine}-jobs.jar`);
  return { flink: jar('flink'), spark: jar('spark'), 'kafka-streams': jar('kafka-streams') };
}

/** One hash over every file the build reads, names included. */
export async function sourceHash(root: string): Promise<string> {
  const engines = join(root, 'engines');
  const jobs = ENGINES.map((engine) => join(engines, engine, 'jobs'));
  const files = [join(engines, 'pom.xml'), ...jobs.map((dir) => join(dir, 'pom.xml'))];
  for (const dir of jobs) files.push(...(await filesBelow(join(dir, 'src'))));
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    const text = await readFile(file).catch(() => undefined);
    if (text !== undefined) hash.update(`${relative(root, file)}\0${text.length}\0`).update(text);
  }
  return hash.digest('hex');
}

async function build(root: string, env: NodeJS.ProcessEnv): Promise<void> {
  const log = join(layout(root).logs, 'maven.log');
  await rm(log, { force: true });
  const args = ['-q', '-B', '-f', join(root, 'engines', 'pom.xml'), '-DskipTests', 'package'];
  await run('mvn', args, { cwd: root, env: { ...process.env, JAVA_HOME: await requireJavaHome(env) }, log });
  for (const jar of Object.values(jobJars(root))) {
    if (!(await stat(jar).catch(() => undefined))) {
      throw new SluiceError('LOCAL_STACK', `The Maven build made no ${relative(root, jar)}; see ${log}.`);
    }
  }
}

/** True when every target folder holds exactly what was built from these sources. */
async function upToDate(root: string, hash: string): Promise<boolean> {
  for (const engine of ENGINES) {
    const dir = target(root, engine);
    const stamp = await readFile(join(dir, STAMP), 'utf8').catch(() => '');
    if (stamp !== (await stampText(dir, engine, hash))) return false;
  }
  return true;
}

async function stampAll(root: string, hash: string): Promise<void> {
  for (const engine of ENGINES) {
    const dir = target(root, engine);
    await writeFile(join(dir, STAMP), await stampText(dir, engine, hash));
  }
}

async function stampText(dir: string, engine: string, hash: string): Promise<string> {
  const files = await results(dir, engine);
  const lines = await Promise.all(files.map(async (file) => `${await sha256Of(file)} ${relative(dir, file)}`));
  return [hash, ...lines, ''].join('\n');
}

/** The files of a target folder that are used: the job jar and, where there are any, the jars it needs. */
async function results(dir: string, engine: string): Promise<string[]> {
  const jar = join(dir, `sluice-${engine}-jobs.jar`);
  const present = (await stat(jar).catch(() => undefined)) === undefined ? [] : [jar];
  return [...present, ...(await filesBelow(join(dir, 'lib')))];
}

async function keep(root: string, cache: string, hash: string): Promise<void> {
  await withTemporary(cache, async (work) => {
    const folder = join(work, hash);
    for (const engine of ENGINES) {
      const dir = target(root, engine);
      for (const file of [...(await results(dir, engine)), join(dir, STAMP)]) {
        const copy = join(folder, engine, relative(dir, file));
        await mkdir(dirname(copy), { recursive: true });
        await cp(file, copy);
      }
    }
    // Another clone may have been faster; its result is as good.
    await rename(folder, join(cache, hash)).catch(() => undefined);
  });
}

async function restore(root: string, kept: string, hash: string): Promise<boolean> {
  if (!(await stat(kept).catch(() => undefined))) return false;
  for (const engine of ENGINES) {
    const dir = target(root, engine);
    await rm(join(dir, 'lib'), { recursive: true, force: true });
    await cp(join(kept, engine), dir, { recursive: true });
  }
  if (await upToDate(root, hash)) return true;
  await rm(kept, { recursive: true, force: true });
  return false;
}

function target(root: string, engine: string): string {
  return join(root, 'engines', engine, 'jobs', 'target');
}

async function filesBelow(dir: string): Promise<string[]> {
  const names = await readdir(dir, { recursive: true }).catch(() => []);
  const paths = names.map((name) => join(dir, name)).sort();
  const files = await Promise.all(paths.map(async (path) => ((await stat(path)).isFile() ? [path] : [])));
  return files.flat();
}
