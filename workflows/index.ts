/** Entry of the workflow bundle: the workflow functions and nothing else. */
export { clusterWatch } from './cluster-watch.js';
export { curatedSync } from './curated-sync.js';
export { engineJob } from './engine-job.js';
export { pipelineRun } from './pipeline-run.js';
export { reconcile } from './reconcile.js';
export { streamSupervisor } from './stream-supervisor.js';
