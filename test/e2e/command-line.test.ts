/** What a program sees of the commands: one object on stdout, exit codes, errors that say what would be right. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
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
  const { home } = e2eEnv();

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
});
