/** The job build: skipped when nothing changed, shared by clones, and clear about what failed. */
import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { buildJobs, jobJars, sourceHash } from '../../../infra/local/jobs.js';
import { folder } from './folder.js';

const ENGINES = ['flink', 'spark', 'kafka-streams'];

async function clone(dir: string): Promise<string> {
  for (const engine of ENGINES) {
    const jobs = join(dir, 'engines', engine, 'jobs');
    await mkdir(join(jobs, 'src', 'main'), { recursive: true });
    await writeFile(join(jobs, 'pom.xml'), '<project/>');
    await writeFile(join(jobs, 'src', 'main', 'Job.java'), `class Job { /* ${engine} */ }`);
  }
  await writeFile(join(dir, 'engines', 'pom.xml'), '<project/>');
  return dir;
}

/** Puts a stand-in for Maven first on PATH; it counts its runs and makes the jars, or fails. */
async function fakeMaven(t: TestContext, dir: string, fail = false): Promise<() => Promise<number>> {
  const bin = join(dir, 'bin');
  const count = join(dir, 'count');
  const make = ENGINES.map((engine) => {
    const target = `$(dirname "$4")/${engine}/jobs/target`;
    const lib = engine === 'kafka-streams' ? `mkdir -p "${target}/lib"; echo dep > "${target}/lib/dep.jar"; ` : '';
    return `mkdir -p "${target}"; ${lib}echo ${engine} > "${target}/sluice-${engine}-jobs.jar"`;
  });
  const body = fail ? 'echo "cannot find symbol Foo"; exit 1' : make.join('\n');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'mvn'), `#!/bin/sh\necho run >> ${count}\n${body}\n`);
  await chmod(join(bin, 'mvn'), 0o755);
  const path = process.env.PATH ?? '';
  process.env.PATH = `${bin}${delimiter}${path}`;
  t.after(() => {
    process.env.PATH = path;
  });
  return async () => (await readFile(count, 'utf8').catch(() => '')).split('\n').length - 1;
}

test('jars are built once, taken from the cache by a second clone, and built anew after a change', async (t) => {
  const dir = await folder(t);
  const runs = await fakeMaven(t, dir);
  const options = { env: process.env, cacheDir: join(dir, 'cache'), progress: () => undefined };
  const one = await clone(join(dir, 'one'));
  const jars = await buildJobs({ ...options, root: one });
  assert.deepEqual(jars, jobJars(one));
  assert.equal(await runs(), 1);
  await buildJobs({ ...options, root: one });
  assert.equal(await runs(), 1);

  const two = await clone(join(dir, 'two'));
  const shared = await buildJobs({ ...options, root: two });
  assert.equal(await runs(), 1);
  assert.equal(await readFile(shared.spark, 'utf8'), 'spark\n');
  assert.equal(await readFile(join(two, 'engines/kafka-streams/jobs/target/lib/dep.jar'), 'utf8'), 'dep\n');

  await writeFile(shared.flink, 'replaced by hand');
  await buildJobs({ ...options, root: two });
  assert.equal(await readFile(shared.flink, 'utf8'), 'flink\n');
  assert.equal(await runs(), 1);

  await writeFile(join(two, 'engines/flink/jobs/src/main/Job.java'), 'class Job { int changed; }');
  await buildJobs({ ...options, root: two });
  assert.equal(await runs(), 2);
});

test('the hash sees contents, names and removals, and not the built files', async (t) => {
  const root = await clone(await folder(t));
  const before = await sourceHash(root);
  await mkdir(join(root, 'engines/flink/jobs/target'), { recursive: true });
  await writeFile(join(root, 'engines/flink/jobs/target/x.jar'), 'x');
  assert.equal(await sourceHash(root), before);
  await rm(join(root, 'engines/flink/jobs/src/main/Job.java'));
  assert.notEqual(await sourceHash(root), before);
});

test('a failed build shows the end of the Maven log', async (t) => {
  const dir = await folder(t);
  await fakeMaven(t, dir, true);
  const root = await clone(join(dir, 'one'));
  const building = buildJobs({ root, env: process.env, cacheDir: join(dir, 'cache'), progress: () => undefined });
  await assert.rejects(building, { code: 'LOCAL_STACK', message: /cannot find symbol Foo/ });
});
