/** Runs a tool to its end, with a deadline, and tells what it said when it fails. */
import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { SluiceError } from '../errors.js';
import { tail } from './tail.js';

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Where the output goes; without it the output is returned and its end is part of the error. */
  log?: string;
  timeoutMs?: number;
  uid?: number;
  gid?: number;
}

/** A slow line may take its time. */
export const DOWNLOAD_MS = 60 * 60_000;

const KEPT = 64_000;

export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const log = options.log === undefined ? undefined : await open(options.log, 'a');
  try {
    const sink = log === undefined ? 'pipe' : log.fd;
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', sink, sink],
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.gid }),
    });
    // Our own timer: the one of spawn lives on when the program does not exist.
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 15 * 60_000);
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-KEPT);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const how = await new Promise<string | undefined>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, name) => resolve(code === 0 ? undefined : `ended with ${code ?? name ?? 'an error'}`));
    });
    clearTimeout(timer);
    if (how === undefined) return output;
    const said = options.log === undefined ? output.trim().split('\n').slice(-20).join('\n') : await tail(options.log);
    throw new SluiceError('LOCAL_STACK', `${command} ${args.slice(0, 3).join(' ')} … ${how}:\n${said}`);
  } finally {
    await log?.close();
  }
}
