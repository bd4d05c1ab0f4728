/** Sluice's own processes in the local stack: one worker for control and engines, one for the stream host. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  layout,
  listProcesses,
  logFile,
  startProcess,
  stopProcess,
  withLock,
  type ProcessSpec,
} from '../infra/local/index.js';
import { CONFIG_NAMES } from '../infra/config.js';
import { CODE_ARGUMENT, READY_LINE } from './process-marks.js';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const CODE_FOLDERS = ['activities', 'engines', 'infra', 'pipelines', 'workers', 'workflows'];

/** Changes when a source file of the product or one of its settings does: then a running worker is an old one. */
async function codeHash(env: Readonly<Record<string, string>>): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of CODE_FOLDERS) {
    const files = await readdir(join(PROJECT, folder), { recursive: true });
    for (const file of files
      .filter((name) => name.endsWith('.ts') && !/(^|[/\\])(node_modules|target)[/\\]/.test(name))
      .sort()) {
      hash.update(file).update(await readFile(join(PROJECT, folder, file)));
    }
  }
  for (const name of CONFIG_NAMES) hash.update(`${name}=${env[name] ?? ''}\n`);
  return hash.digest('hex').slice(0, 16);
}

function workerProcesses(home: string, env: Record<string, string>, code: string): ProcessSpec[] {
  const spec = (name: string, roles: readonly string[]): ProcessSpec => ({
    name,
    command: process.execPath,
    args: ['--enable-source-maps', '--import', import.meta.resolve('tsx'), MAIN, ...roles, `${CODE_ARGUMENT}${code}`],
    cwd: PROJECT,
    env: { ...env, SLUICE_STATE_DIR: layout(home).base },
    // The log starts empty with each process, and the line is written once all queues are polled.
    ready: async () => (await readFile(logFile(home, name), 'utf8').catch(() => '')).includes(READY_LINE),
    readyTimeoutMs: 120_000,
    stopTimeoutMs: 30_000,
  });
  return [spec('worker', ['control', 'flink', 'spark']), spec('host', ['host'])];
}

/** Starting and stopping at once would leave a worker without servers, or servers without a worker. */
export const withWorkersLock = <T>(
  home: string,
  progress: (line: string) => void,
  action: () => Promise<T>,
): Promise<T> =>
  withLock(layout(home).workersLock, action, {
    onWait: (holder) => progress(`process ${holder} is starting or stopping the workers, waiting`),
  });

/** Starts the workers that do not run; one that runs old code or old settings is replaced. Jobs go on meanwhile. */
export async function startWorkers(
  home: string,
  env: Record<string, string>,
  progress: (line: string) => void,
): Promise<void> {
  await withWorkersLock(home, progress, async () => {
    const code = await codeHash(env);
    const running = new Map(
      (await listProcesses(home)).filter(({ running: yes }) => yes).map((one) => [one.name, one]),
    );
    for (const spec of workerProcesses(home, env, code)) {
      const current = running.get(spec.name);
      const isOld = current !== undefined && !current.command.includes(`${CODE_ARGUMENT}${code}`);
      if (isOld) {
        progress(`${spec.name}: code or settings have changed, replacing it`);
        await stopProcess(home, spec.name);
      }
      if (current !== undefined && !isOld) progress(`${spec.name}: runs already (process ${current.pid})`);
      else progress(`${spec.name}: started (process ${(await startProcess(home, spec)).pid})`);
    }
  });
}
