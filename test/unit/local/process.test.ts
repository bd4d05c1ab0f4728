/** Background processes: started once, known by start time, ended with their children, and never someone else's. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { isAlive, processIdentity } from '../../../infra/local/identity.js';
import { listProcesses, startProcess, stopProcess } from '../../../infra/local/process.js';
import type { ProcessSpec } from '../../../infra/local/types.js';
import { accepts, waitFor } from '../../../infra/local/wait.js';
import { folder } from './folder.js';

const SERVE = `require('http').createServer((_, r) => r.end('ok')).listen(Number(process.env.PORT), '127.0.0.1');`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function node(name: string, script: string, extra: Partial<ProcessSpec> = {}): ProcessSpec {
  return { name, command: process.execPath, args: ['-e', script], env: {}, ...extra };
}

test('a server is started, found again, and stopped with its port closed', async (t) => {
  const root = await folder(t);
  const port = await freePort();
  const spec = node('web', SERVE, { env: { PORT: String(port) }, ports: [port], ready: async () => accepts(port) });
  const first = await startProcess(root, spec);
  t.after(async () => stopProcess(root, 'web'));
  assert.equal(first.reused, false);
  const second = await startProcess(root, spec);
  assert.equal(second.reused, true);
  assert.equal(second.pid, first.pid);
  assert.equal((await stat(join(root, '.sluice', 'pids', 'web.json'))).mode & 0o777, 0o600);
  assert.deepEqual(
    (await listProcesses(root)).map(({ name, running }) => ({ name, running })),
    [{ name: 'web', running: true }],
  );
  assert.equal(await stopProcess(root, 'web'), true);
  assert.equal(await processIdentity(first.pid), undefined);
  assert.equal(await accepts(port), false);
  assert.equal(await stopProcess(root, 'web'), false);
});

test('a process that ends at once is an error that shows the end of its log', async (t) => {
  const root = await folder(t);
  const spec = node('brief', `console.error('no such table'); process.exit(3);`, { ready: async () => false });
  await assert.rejects(startProcess(root, spec), { code: 'LOCAL_STACK', message: /brief ended[\s\S]*no such table/ });
});

test('a process that never serves is an error after its deadline', async (t) => {
  const root = await folder(t);
  const spec = node('deaf', 'setInterval(() => {}, 1000)', { ready: async () => false, readyTimeoutMs: 300 });
  t.after(async () => stopProcess(root, 'deaf'));
  await assert.rejects(startProcess(root, spec), { message: /deaf was not ready/ });
});

test('a command that does not exist is one clear error', async (t) => {
  const root = await folder(t);
  const spec: ProcessSpec = { name: 'ghost', command: '/nonexistent/ghost', args: [], env: {} };
  await assert.rejects(startProcess(root, spec), { code: 'LOCAL_STACK', message: /ghost cannot be started/ });
});

test('a process that ignores the polite signal is killed, and its children with it', async (t) => {
  const root = await folder(t);
  const script = `
    const child = require('child_process').spawn(process.execPath, ['-e', "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"]);
    process.on('SIGTERM', () => {});
    require('fs').writeFileSync('child.pid', String(child.pid));
    setInterval(() => {}, 1000);`;
  const spec = node('stubborn', script, {
    cwd: root,
    stopTimeoutMs: 300,
    ready: async () => (await readFile(join(root, 'child.pid'), 'utf8')) !== '',
  });
  const record = await startProcess(root, spec);
  const child = Number(await readFile(join(root, 'child.pid'), 'utf8'));
  const startTime = await processIdentity(child);
  assert.ok(startTime);
  assert.equal(await stopProcess(root, 'stubborn'), true);
  assert.equal(await isAlive(record), false);
  assert.equal(await isAlive({ pid: child, startTime }), false);
});

test('a pid file whose number now belongs to another process ends nothing', async (t) => {
  const root = await folder(t);
  const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  t.after(() => bystander.kill('SIGKILL'));
  const pid = bystander.pid ?? 0;
  assert.ok(await waitFor(async () => (await processIdentity(pid)) !== undefined, 5_000));
  await mkdir(join(root, '.sluice', 'pids'), { recursive: true });
  const record = {
    name: 'old',
    pid,
    startTime: 'boot:1',
    command: [],
    ports: [],
    startedAt: '',
    stopSignal: 'SIGTERM',
  };
  await writeFile(join(root, '.sluice', 'pids', 'old.json'), JSON.stringify(record));
  assert.equal(await stopProcess(root, 'old'), false);
  assert.ok(await processIdentity(pid));
  assert.deepEqual(await listProcesses(root), []);
});
