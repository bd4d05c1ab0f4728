/** Sluice's own processes in the local stack: one worker for control and engines, one for the stream host. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { logFile, type ProcessSpec } from '../infra/local/index.js';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

export function workerProcesses(root: string, env: Record<string, string>, stateDir: string): ProcessSpec[] {
  const spec = (name: string, roles: readonly string[]): ProcessSpec => ({
    name,
    command: process.execPath,
    args: ['--enable-source-maps', '--import', 'tsx', MAIN, ...roles],
    env: { ...env, SLUICE_STATE_DIR: stateDir },
    // The log starts empty with each process, and the line is written once all queues are polled.
    ready: async () => (await readFile(logFile(root, name), 'utf8').catch(() => '')).includes('"msg":"ready"'),
    readyTimeoutMs: 120_000,
  });
  return [spec('worker', ['control', 'flink', 'spark']), spec('host', ['host'])];
}
