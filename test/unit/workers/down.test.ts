/** `sluice down` on processes of the test's own: it waits for a start that is under way, and one that cannot be stopped stops no other. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { layout, processIdentity, withLock } from '../../../infra/local/index.js';
import { sluice } from '../../support/cli.js';
import { within } from '../../support/workflow-until.js';

describe('sluice down', () => {
  let home: string;
  const children: ChildProcess[] = [];
  const servers: Server[] = [];
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'sluice-test-down-'));
    await mkdir(layout(home).pids, { recursive: true });
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    for (const server of servers) server.close();
    await rm(home, { recursive: true, force: true });
  });

  /** A process that the home folder has a record of, as one that `up` has started. */
  async function startRecorded(name: string, ports: number[] = []): Promise<ChildProcess> {
    const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    children.push(child);
    await new Promise((resolve) => child.once('spawn', resolve));
    const pid = child.pid ?? 0;
    const record = { name, pid, startTime: await processIdentity(pid), command: ['sleep', '600'], ports };
    const rest = { startedAt: new Date().toISOString(), stopSignal: 'SIGTERM', stopTimeoutMs: 2_000 };
    await writeFile(join(layout(home).pids, `${name}.json`), JSON.stringify({ ...record, ...rest }));
    return child;
  }
  const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

  test('waits for whoever is starting or stopping the workers', async () => {
    const worker = await startRecorded('worker');
    let down: ReturnType<typeof sluice> | undefined;
    await withLock(layout(home).workersLock, async () => {
      const told = new Promise<void>((resolve) => {
        down = sluice(['down'], { home, onStderr: (text) => /waiting/.test(text) && resolve() });
      });
      await within('that it waits', told);
      assert.equal(hasEnded(worker), false);
    });
    const { code, stderr } = await (down ?? assert.fail());
    assert.equal(code, 0, stderr);
    assert.equal(hasEnded(worker), true);
  });

  test('stops all that can be stopped, says what could not, and then deletes nothing', async () => {
    const server = createServer();
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    // Its port stays open, whoever holds it: nobody can say that it has ended.
    await startRecorded('host', [port]);
    const others = [await startRecorded('worker'), await startRecorded('temporal')];
    const { code, stderr } = await sluice(['down', '--wipe'], { home });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /LOCAL_STACK: host \(process \d+\) does not end/);
    assert.doesNotMatch(stderr, /\n\s+at /);
    assert.deepEqual(others.map(hasEnded), [true, true]);
    await access(layout(home).pids);
    server.close();
    const again = await sluice(['down', '--wipe'], { home });
    assert.equal(again.code, 0, again.stderr);
    await assert.rejects(access(layout(home).pids), 'the data is deleted');
  });
});
