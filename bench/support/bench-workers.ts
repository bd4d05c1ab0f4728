/** Starts the worker processes of the watch bench, each known by name, and builds the bundle that they run. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { layout, logFile, startProcess } from '../../infra/local/index.js';
import { projectRoot } from '../../workers/deps.js';
import { READY_LINE } from '../../workers/process-marks.js';

const fileOf = (name: string): string => fileURLToPath(new URL(`./${name}.ts`, import.meta.url));

export async function benchBundle(home: string): Promise<string> {
  const path = join(layout(home).base, 'bundle', 'watch-bench.cjs');
  const quiet = { info() {}, debug() {}, trace() {}, warn: console.error, error: console.error, log() {} };
  const { code } = await bundleWorkflowCode({ workflowsPath: fileOf('watch-workflows'), logger: quiet });
  await mkdir(join(layout(home).base, 'bundle'), { recursive: true });
  await writeFile(path, code);
  return path;
}

/** Starts a process of the bench and returns its id once it polls. */
export async function startBenchWorker(
  home: string,
  name: string,
  file: 'watch-worker' | 'watch-peer',
  env: Record<string, string>,
): Promise<number> {
  const { pid } = await startProcess(home, {
    name,
    command: process.execPath,
    args: ['--enable-source-maps', '--import', import.meta.resolve('tsx'), fileOf(file)],
    cwd: projectRoot(),
    env,
    // The log starts empty with each process.
    ready: async () => (await readFile(logFile(home, name), 'utf8').catch(() => '')).includes(READY_LINE),
    readyTimeoutMs: 120_000,
    stopTimeoutMs: 30_000,
  });
  return pid;
}
