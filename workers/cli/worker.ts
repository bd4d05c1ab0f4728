/** `sluice worker [role…]` in the foreground, and `sluice migrate`. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { loadConfig } from '../../infra/config.js';
import { migrate } from '../../infra/postgres/migrate.js';
import { createPool } from '../../infra/postgres/pool.js';
import { definedOnly } from '../bring-up.js';
import { stackHome } from '../deps.js';
import { say } from './output.js';
import { sessionEnv } from './session.js';

export function addWorkerCommands(program: Command): void {
  program
    .command('worker')
    .description('run a worker in the foreground; roles: control, flink, spark, host (default: all)')
    .argument('[role...]', 'what this worker serves')
    .action(async (roles: string[]) => {
      const main = fileURLToPath(new URL('../main.ts', import.meta.url));
      const env = definedOnly(await sessionEnv());
      const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), main, ...roles], {
        stdio: 'inherit',
        // The same folder as the stack's own workers, or a host would not know the processes that it runs.
        env: { SLUICE_STATE_DIR: join(stackHome(process.env), '.sluice'), ...env },
      });
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
      process.exitCode = await new Promise<number>((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
    });
  program
    .command('migrate')
    .description('bring the control schema in Postgres to the newest version')
    .action(async () => {
      const config = loadConfig(await sessionEnv());
      const pool = createPool({ connectionString: config.DATABASE_URL, applicationName: 'sluice-migrate', max: 1 });
      try {
        const applied = await migrate(pool);
        say(applied.length > 0 ? `applied ${applied.join(', ')}` : 'nothing to apply');
      } finally {
        await pool.end();
      }
    });
}
