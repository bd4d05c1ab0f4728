/** Sluice's own processes in the local stack: one worker for control and engines, one for the stream host. */
import { fileURLToPath } from 'node:url';
import type { ProcessSpec } from '../infra/local/index.js';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

export function workerProcesses(env: Record<string, string>, stateDir: string): ProcessSpec[] {
  const common = {
    command: process.execPath,
    env: { ...env, SLUICE_STATE_DIR: stateDir, NODE_OPTIONS: '--enable-source-maps' },
    ready: { logLine: '"msg":"ready"', timeoutMs: 90_000 },
  };
  return [
    { ...common, name: 'worker', args: ['--import', 'tsx', MAIN, 'control', 'flink', 'spark'] },
    { ...common, name: 'host', args: ['--import', 'tsx', MAIN, 'host'] },
  ];
}
