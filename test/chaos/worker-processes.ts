/** The two worker processes under test; they reach the engines through the fault proxies and may be killed at any moment. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { layout, logFile, startProcess, type ProcessSpec } from '../../infra/local/index.js';
import { projectRoot } from '../../workers/deps.js';
import { READY_LINE } from '../../workers/process-marks.js';
import type { Servers } from './servers.js';

const MAIN = fileURLToPath(new URL('../../workers/main.ts', import.meta.url));
export const PIPELINES = fileURLToPath(new URL('pipelines', import.meta.url));

export const WORKERS = { 'chaos-worker': ['control', 'flink', 'spark'], 'chaos-host': ['host'] } as const;
export type WorkerName = keyof typeof WORKERS;

/** Settings of the workers: the stack's own, with the doors of the engines replaced. */
export function workerEnv(
  { home, env, java }: Servers,
  doors: { flink: string; sparkRest: string; sparkUi: string },
): Record<string, string> {
  return {
    ...env,
    FLINK_REST_URL: doors.flink,
    SPARK_MASTER_REST_URL: doors.sparkRest,
    SPARK_MASTER_UI_URL: doors.sparkUi,
    SLUICE_STATE_DIR: layout(home).base,
    SLUICE_JAVA: java,
    SLUICE_PIPELINES_DIR: PIPELINES,
    // Orphans are found by the product's own schedule, which here comes round often.
    SLUICE_RECONCILE_INTERVAL_MS: '20000',
  };
}

/** Starts the worker unless it runs, and waits until it polls. */
export async function startWorker(home: string, env: Record<string, string>, name: WorkerName): Promise<void> {
  const spec: ProcessSpec = {
    name,
    command: process.execPath,
    args: ['--enable-source-maps', '--import', import.meta.resolve('tsx'), MAIN, ...WORKERS[name]],
    cwd: projectRoot(),
    env,
    // The log starts empty with each process.
    ready: async () => (await readFile(logFile(home, name), 'utf8').catch(() => '')).includes(READY_LINE),
    readyTimeoutMs: 180_000,
    stopTimeoutMs: 30_000,
  };
  await startProcess(home, spec);
}
