/** The doctor: one line per need, with the fix, whatever is missing. */
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { describe, doctor, requireHealthy } from '../../../infra/local/doctor.js';
import { folder } from './folder.js';

function withPath(t: TestContext, path: string): void {
  const before = process.env.PATH;
  process.env.PATH = path;
  t.after(() => {
    process.env.PATH = before;
  });
}

async function fakeJava(dir: string, version: number): Promise<string> {
  const bin = join(dir, 'bin');
  await mkdir(bin, { recursive: true });
  const says = `    java.home = ${dir}\n    java.specification.version = ${version}\n`;
  await writeFile(join(bin, 'java'), `#!/bin/sh\ncat <<'EOF'\n${says}EOF\n`);
  await writeFile(join(bin, 'javac'), '');
  await chmod(join(bin, 'java'), 0o755);
  return dir;
}

test('an empty PATH lists every missing tool at once, each with its Debian line', async (t) => {
  const root = await folder(t);
  withPath(t, root);
  const checks = await doctor({ root, env: {} });
  const failed = checks.filter(({ ok }) => !ok).map(({ what }) => what);
  assert.deepEqual(
    failed.filter((what) => what !== 'memory' && what !== 'disk' && what !== 'user'),
    ['jdk', 'maven', 'python'],
  );
  for (const check of checks.filter(({ what }) => ['jdk', 'maven', 'python'].includes(what))) {
    assert.match(describe(check), /^FAIL .*apt-get install/);
    assert.ok(!describe(check).includes('\n'));
  }
  await assert.rejects(requireHealthy({ root, env: {} }), {
    code: 'LOCAL_STACK',
    message: /FAIL maven[\s\S]*FAIL python/,
  });
});

test('Java 17 and 21 are fine, another version is a warning, and JAVA_HOME comes before PATH', async (t) => {
  const dir = await folder(t);
  const expected = { 17: 'ok', 21: 'ok', 25: 'warn' };
  for (const [version, mark] of Object.entries(expected)) {
    const home = await fakeJava(join(dir, version), Number(version));
    const jdk = (await doctor({ root: dir, env: { JAVA_HOME: home } })).find(({ what }) => what === 'jdk');
    assert.ok(jdk);
    assert.match(describe(jdk), new RegExp(`^${mark} jdk: ${version} at ${home}`));
  }
});

test('a taken port is a warning, for the stack moves by itself', async (t) => {
  const { createServer } = await import('node:net');
  const root = await folder(t);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(20_900, '127.0.0.1', resolve));
  t.after(() => server.close());
  const checks = await doctor({ root, env: { ...process.env, SLUICE_PORT_BASE: '20900' } });
  const ports = checks.find(({ what }) => what === 'ports');
  assert.deepEqual({ ok: ports?.ok, warning: ports?.warning }, { ok: true, warning: true });
});
