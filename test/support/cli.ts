/** Runs the command line as a user does, against the stack of a given home folder. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../workers/cli.mjs', import.meta.url));

export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
  seconds: number;
}

export interface CliOptions {
  home: string;
  env?: Record<string, string>;
  input?: string;
  /** Folder to run in; default the test's own. */
  cwd?: string;
  /** Closes the command's stdout at once, as a reader that has seen enough. */
  closeEarly?: boolean;
  /** Show stderr of the command while it runs. */
  echo?: boolean;
  /** Called with all that it has said on stderr, each time it says more. */
  onStderr?: (text: string) => void;
  timeoutMs?: number;
}

export async function sluice(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { ...process.env, NODE_NO_WARNINGS: '1', ...options.env, SLUICE_HOME: options.home },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  if (options.closeEarly) child.stdout.destroy();
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    if (options.echo) process.stderr.write(chunk);
    options.onStderr?.(stderr);
  });
  child.stdin.end(options.input ?? '');
  const timer = setTimeout(() => child.kill('SIGTERM'), options.timeoutMs ?? 20 * 60_000);
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 1));
  });
  clearTimeout(timer);
  return { code, stdout, stderr, seconds: (performance.now() - startedMs) / 1000 };
}
