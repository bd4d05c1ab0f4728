/** Artifacts: checked against their pins, unpacked once, taken from the cache without any tool. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ensureArtifact, isInstalled, type FetchContext } from '../../../infra/local/fetch/artifact.js';
import { cachedPath, store } from '../../../infra/local/fetch/cache.js';
import { placeJars } from '../../../infra/local/fetch/unpack.js';
import type { Artifact, PinnedFile } from '../../../infra/local/types.js';
import { folder } from './folder.js';

function pin(file: string, text: string): PinnedFile {
  return { file, sha256: createHash('sha256').update(text).digest('hex'), bytes: Buffer.byteLength(text) };
}

function jars(lock: PinnedFile[]): Artifact {
  return {
    name: 'jars',
    version: '1',
    sources: [{ kind: 'maven', name: 'jars', dependencies: [], lock }],
    install: async (fetched, dir) => placeJars(fetched[0] ?? [], join(dir, 'lib')),
  };
}

async function context(t: TestContext): Promise<FetchContext> {
  const dir = await folder(t);
  const cache = join(dir, 'cache');
  await mkdir(join(cache, 'sha256'), { recursive: true });
  return {
    root: join(dir, 'clone'),
    cache,
    platform: 'linux-x64',
    javaHome: '/nonexistent',
    progress: () => undefined,
  };
}

test('what the cache holds is unpacked without fetching, once', async (t) => {
  const ctx = await context(t);
  const lock = [pin('a.jar', 'alpha'), pin('b.jar', 'beta')];
  await writeFile(cachedPath(ctx.cache, lock[0]!), 'alpha');
  await writeFile(cachedPath(ctx.cache, lock[1]!), 'beta');
  const lines: string[] = [];
  const loud = { ...ctx, progress: (line: string) => lines.push(line) };
  const home = await ensureArtifact(jars(lock), loud);
  assert.equal(home, join(ctx.root, '.sluice', 'runtime', 'jars-1'));
  assert.equal(await readFile(join(home, 'lib', 'b.jar'), 'utf8'), 'beta');
  assert.equal(await isInstalled(ctx.root, jars(lock), 'linux-x64'), true);
  await ensureArtifact(jars(lock), loud);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^jars 1: unpacked/);
});

test('other pins than the unpacked ones mean unpacking again', async (t) => {
  const ctx = await context(t);
  const [old, fresh] = [pin('a.jar', 'alpha'), pin('a.jar', 'omega')];
  await writeFile(cachedPath(ctx.cache, old), 'alpha');
  await writeFile(cachedPath(ctx.cache, fresh), 'omega');
  await ensureArtifact(jars([old]), ctx);
  assert.equal(await isInstalled(ctx.root, jars([fresh]), 'linux-x64'), false);
  const home = await ensureArtifact(jars([fresh]), ctx);
  assert.equal(await readFile(join(home, 'lib', 'a.jar'), 'utf8'), 'omega');
});

test('a damaged file in the cache is refused and thrown away', async (t) => {
  const ctx = await context(t);
  const good = pin('a.jar', 'alpha');
  await writeFile(cachedPath(ctx.cache, good), 'alphx');
  await assert.rejects(ensureArtifact(jars([good]), ctx), { code: 'LOCAL_STACK', message: /a\.jar was damaged/ });
  assert.deepEqual(await readdir(join(ctx.cache, 'sha256')), []);
  assert.deepEqual(await readdir(join(ctx.root, '.sluice', 'runtime')), []);
});

test('a downloaded file with another content than the pinned one never enters the cache', async (t) => {
  const ctx = await context(t);
  const wanted = pin('a.jar', 'alpha');
  await writeFile(join(ctx.cache, 'download'), 'evil!');
  await assert.rejects(store(ctx.cache, wanted, join(ctx.cache, 'download')), { message: /is pinned; not used/ });
  assert.deepEqual(await readdir(join(ctx.cache, 'sha256')), []);
});
