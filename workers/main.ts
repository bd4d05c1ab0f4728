/** Entry of a worker process: `main.ts [role…]`, by default all roles. Stops hand over; jobs are never killed. */
import { join, resolve } from 'node:path';
import { loadConfig } from '../infra/config.js';
import { SluiceError } from '../infra/errors.js';
import { createLogger } from '../infra/observability/logger.js';
import { migrate } from '../infra/postgres/migrate.js';
import { workflowBundle } from './bundle.js';
import { connectTemporal } from './connect.js';
import { wireDeps } from './deps.js';
import { describeError, exitCodeOf } from './exit.js';
import { startLineageRelay } from './lineage-relay.js';
import { CODE_ARGUMENT, READY_LINE } from './process-marks.js';
import { installRuntime } from './runtime.js';
import { ensureReconcileSchedule } from './schedules.js';
import { createWorkers, ROLES, type Role } from './worker.js';

function parseRoles(args: readonly string[]): Role[] {
  const given = args.filter((arg) => !arg.startsWith(CODE_ARGUMENT));
  const unknown = given.filter((arg) => !ROLES.includes(arg as Role));
  if (unknown.length > 0) {
    throw new SluiceError('INVALID_REQUEST', `unknown role ${unknown.join(', ')}: known are ${ROLES.join(', ')}`);
  }
  return given.length > 0 ? (given as Role[]) : [...ROLES];
}

async function main(): Promise<void> {
  const roles = parseRoles(process.argv.slice(2));
  const config = loadConfig(process.env);
  const log = createLogger(`sluice-${roles.join('+')}`, config.SLUICE_LOG_LEVEL);
  installRuntime(log);
  const stateDir = resolve(config.SLUICE_STATE_DIR);
  const bundle = await workflowBundle(join(stateDir, 'bundle'));
  const temporal = await connectTemporal(config);
  const wired = wireDeps(config, temporal.client, roles[0] ?? 'worker', log);
  const applied = await migrate(wired.deps.pool);
  if (applied.length > 0) log.info({ applied }, 'migrated the control schema');
  const workers = await createWorkers(config, roles, wired.deps, bundle);
  const relay = roles.includes('control') ? startLineageRelay(config, wired.deps.pool, log) : undefined;

  const stop = (signal: string): void => {
    log.info({ signal }, 'stopping: work is handed over, engine jobs go on');
    workers.shutdown();
  };
  process.once('SIGTERM', () => stop('SIGTERM'));
  process.once('SIGINT', () => stop('SIGINT'));
  const { clusters } = wired.deps.settings;
  for (const engine of ['flink', 'spark', 'kafka-streams'] as const) {
    // Whoever can reach a cluster sees to it that it is watched; a watcher that ended for whatever reason comes back.
    if (roles.includes(engine === 'kafka-streams' ? 'host' : engine)) {
      await wired.deps.temporal.ensureWatcher(engine, clusters[engine]);
      await ensureReconcileSchedule(temporal.client, engine, clusters[engine], config.SLUICE_RECONCILE_INTERVAL_MS);
    }
  }
  try {
    // Whatever the log level: who started this process waits for the line.
    await workers.run(() => process.stderr.write(`{"level":30,"time":${Date.now()},"name":"sluice",${READY_LINE}}\n`));
  } finally {
    await relay?.stop();
    await temporal.close();
    await wired.close();
    log.info('stopped');
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`sluice: ${describeError(error)}\n`);
    process.exit(exitCodeOf(error));
  },
);
