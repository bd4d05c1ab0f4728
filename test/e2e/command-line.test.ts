/** What a program sees of the commands: one object on stdout, exit codes, errors that say what would be right. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { streamWorkflowId } from '../../workflows/contracts/ids.js';
import { sluice } from '../support/cli.js';
import { e2eEnv, SKIP } from '../support/e2e.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

async function npmRun(args: readonly string[], env: Record<string, string>): Promise<{ code: number; stdout: string }> {
  const child = spawn('npm', ['run', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? 1)));
  return { code, stdout };
}

describe('command line', { skip: SKIP }, () => {
  const { home, temporalAddress } = e2eEnv();

  it('prints nothing but one JSON object on stdout, through npm too', async () => {
    const { code, stdout } = await npmRun(['demo', '--', '--json', '--source', 'nowhere'], { SLUICE_HOME: home });
    assert.notEqual(code, 0);
    const answer = JSON.parse(stdout) as { ok: boolean; error: { message: string } };
    assert.equal(answer.ok, false);
    assert.match(answer.error.message, /foodmart/);
  });

  const REFUSED: [args: string[], says: RegExp][] = [
    [['run', 'top-sales-per-city'], /--partition/],
    [['run'], /name the pipeline/],
    [['run', '--input', '/nonexistent.json'], /ENOENT/],
    [['run', 'top-sales-per-city', '--partition', '1998-03-14', '--param', 'x'], /name=value/],
    [['run', 'no-such-pipeline', '--partition', '1998-03-14'], /top-sales-per-city/],
    [['status', '--limit', 'abc'], /whole number/],
    [['env', 'NOPE'], /DATABASE_URL/],
    [['stream', 'stop', 'top-sales-per-city', 'nope'], /does not run/],
    [['validate', '/nonexistent'], /no folder/],
    [['logs', 'no-such-pipeline/1998-03-14'], /no run or stream 'no-such-pipeline\/1998-03-14'.*top-sales-per-city/],
    [['logs', 'top-sales-per-city/live', 'nope'], /known are live/],
    [['logs', 'top-sales-per-city/live', '--submission', '999'], /known are 1/],
    [['logs', 'top-sales-per-city/live', '--submission', '0'], /whole number/],
    [['logs', 'top-sales-per-city/live', '--bytes', '1e3'], /whole number/],
    [['logs'], /missing required argument/],
    [['worker', 'no-such-role'], /unknown role no-such-role: known are control/],
    [['frobnicate'], /unknown command/],
    [['status', '--frobnicate'], /unknown option/],
  ];
  for (const [args, says] of REFUSED) {
    it(`refuses with exit code 2: sluice ${args.join(' ')}`, async () => {
      const { code, stderr } = await sluice(args, { home });
      assert.equal(code, 2, stderr);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /\n\s+at /, 'no stack trace');
    });
  }

  it('reaches the servers of this machine past a dead proxy', async () => {
    const dead = 'http://127.0.0.1:9';
    const names = ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'grpc_proxy', 'all_proxy', 'ALL_PROXY'];
    const env = Object.fromEntries(names.map((name) => [name, dead]));
    const { code, stdout, stderr } = await sluice(['status', '--json'], { home, env });
    assert.equal(code, 0, stderr);
    assert.equal((JSON.parse(stdout) as { ok: boolean }).ok, true);
  });

  it('starts its worker from any folder', async () => {
    const { code, stderr } = await sluice(['worker', 'no-such-role'], { home, cwd: tmpdir() });
    assert.match(stderr, /unknown role no-such-role: known are control, flink, spark, host/);
    assert.equal(code, 2);
  });

  it('takes a reader that has seen enough for no fault', async () => {
    for (const args of [['status'], ['status', '--json'], ['logs', 'top-sales-per-city/live']]) {
      const { code, stderr } = await sluice(args, { home, closeEarly: true });
      assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
      assert.doesNotMatch(stderr, /EPIPE/);
    }
  });

  it('does not wait for ever for a worker that is not there', async () => {
    const connection = await Connection.connect({ address: temporalAddress });
    const stream = randomUUID();
    const handle = await new Client({ connection }).workflow.start('streamSupervisor', {
      workflowId: streamWorkflowId('nobody', stream),
      taskQueue: `nobody-${stream}`,
      args: [{ pipeline: 'nobody', stream }],
    });
    try {
      for (const command of ['stop', 'restart']) {
        const { code, stderr } = await sluice(['stream', command, 'nobody', stream], { home, timeoutMs: 60_000 });
        assert.equal(code, 1, stderr);
        assert.match(stderr, /no worker answers/);
        assert.doesNotMatch(stderr, /\n\s+at /, 'no stack trace');
      }
    } finally {
      await handle.terminate('the test is over');
      await connection.close();
    }
  });
});
