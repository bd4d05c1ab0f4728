/** A worker process of the product that serves several simulated clusters; one signal may be lost on its way. */
import { createEngines } from '../../engines/registry.js';
import { loadConfig } from '../../infra/config.js';
import { createLogger } from '../../infra/observability/logger.js';
import type { ActivityDeps } from '../../activities/deps.js';
import { connectTemporal } from '../../workers/connect.js';
import { projectRoot, wireDeps } from '../../workers/deps.js';
import { READY_LINE } from '../../workers/process-marks.js';
import { installRuntime } from '../../workers/runtime.js';
import { createWorkers, type Role } from '../../workers/worker.js';
import { CLUSTERS } from './simulated-clusters.js';

/** Given as JSON in SLUICE_BENCH_WORKER. */
export interface WorkerOrder {
  roles: Role[];
  bundle: string;
  urls: Record<string, string>;
  /** The first signal to this owner is taken for sent and goes nowhere. */
  deafOwner?: string;
}

const config = loadConfig(process.env);
const order = JSON.parse(process.env['SLUICE_BENCH_WORKER'] ?? '{}') as WorkerOrder;
const log = createLogger(`sluice-${order.roles.join('+')}`, config.SLUICE_LOG_LEVEL);
installRuntime(log);
const temporal = await connectTemporal(config);
const wired = wireDeps(config, temporal.client, order.roles[0] ?? 'worker', log);

const restUrlOf = (cluster: string): string => order.urls[cluster] ?? '';
const of = (engine: 'flink' | 'spark') => CLUSTERS.filter((cluster) => cluster.engine === engine);
const engine = createEngines(
  {
    jars: { flink: jarOf('flink'), spark: jarOf('spark'), 'kafka-streams': jarOf('kafka-streams') },
    clusters: {
      flink: of('flink').map(({ name }) => ({ cluster: name, restUrl: restUrlOf(name) })),
      spark: of('spark').map(({ name }) => {
        return { cluster: name, restUrl: restUrlOf(name), uiUrl: restUrlOf(name), bucket: config.S3_BUCKET };
      }),
      'kafka-streams': [],
    },
  },
  { objects: wired.deps.objects },
);

function jarOf(module: string): string {
  return `${projectRoot()}/engines/${module}/jobs/target/sluice-${module}-jobs.jar`;
}

let lost = false;
const deps: ActivityDeps = {
  ...wired.deps,
  engine,
  temporal: {
    ...wired.deps.temporal,
    async signalJobChanged(workflowId, change) {
      if (workflowId !== order.deafOwner || lost) return wired.deps.temporal.signalJobChanged(workflowId, change);
      lost = true;
      return true;
    },
  },
};
const workers = await createWorkers(config, order.roles, deps, order.bundle);
process.once('SIGTERM', () => workers.shutdown());
await workers.run(() => process.stderr.write(`{${READY_LINE}}\n`));
await temporal.close();
await wired.close();
process.exit(0);
