/** Where the local stack keeps things: in the clone under `.sluice/`, and in the user's cache folder. */
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface Layout {
  base: string;
  runtime: string;
  data: string;
  logs: string;
  pids: string;
  ports: string;
  secrets: string;
  lock: string;
  /** Held while Sluice's own processes are started or stopped. */
  workersLock: string;
}

export function layout(root: string): Layout {
  const base = join(root, '.sluice');
  return {
    base,
    runtime: join(base, 'runtime'),
    data: join(base, 'data'),
    logs: join(base, 'logs'),
    pids: join(base, 'pids'),
    ports: join(base, 'ports.json'),
    secrets: join(base, 'secrets.json'),
    lock: join(base, 'up.lock'),
    workersLock: join(base, 'workers.lock'),
  };
}

/** The folder that all clones of one user share. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  const xdg = env.XDG_CACHE_HOME;
  if (xdg !== undefined && xdg !== '') return join(xdg, 'sluice');
  const home = env.HOME !== undefined && env.HOME !== '' ? env.HOME : homedir();
  return process.platform === 'darwin' ? join(home, 'Library', 'Caches', 'sluice') : join(home, '.cache', 'sluice');
}
