/** A worker process of the test's own beside the stack's, ended by its handle. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { READY_LINE } from '../../workers/process-marks.js';
import { within } from './workflow-until.js';

const MAIN = fileURLToPath(new URL('../../workers/main.ts', import.meta.url));

export interface WorkerProcess {
  pid: number;
  /** Ends it as a deployment does and waits until it is gone. */
  stop(): Promise<void>;
}

/** Resolves once it polls; the settings are those of the environment, as a person's shell has them after `sluice env`. */
export async function startWorkerProcess(roles: readonly string[], stateDir: string): Promise<WorkerProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...roles], {
    env: { ...process.env, SLUICE_STATE_DIR: stateDir },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-20_000);
      if (log.includes(READY_LINE)) resolve();
    });
    child.once('error', reject);
    void ended.then(() => reject(new Error(`the worker ended before it was ready: ${log}`)));
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await within('the end of the worker', ended, 60_000).catch((error: unknown) => {
      child.kill('SIGKILL');
      throw error;
    });
  };
  try {
    await within('a worker that polls', ready, 120_000);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return { pid: child.pid ?? 0, stop };
}
