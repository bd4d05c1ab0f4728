/** Answers of a Spark standalone master (4.3): the JSON page with all drivers and applications, the submission server, a worker's log page. */
import type { Answered, Asked, Cluster, LivingJob } from './cluster-process.js';
import type { JobWord } from './simulated-clusters.js';

const DRIVERS: Record<JobWord, string> = {
  running: 'RUNNING',
  restarting: 'RUNNING',
  finished: 'FINISHED',
  failed: 'FAILED',
  cancelled: 'KILLED',
};
const WORKER = 'worker-20261125000000-127.0.0.1-7078';
const isActive = ({ word }: LivingJob): boolean => word === 'running' || word === 'restarting';

export function answerSpark(cluster: Cluster, { method, path }: Asked): Answered {
  const parts = path.split('/').filter((one) => one !== '');
  if (parts[0] === 'json') return { isList: true, json: master(cluster) };
  if (parts[0] === 'log') {
    return {
      json: '==== Bytes 0-60 of 60 of /var/spark/stderr ====\nException in thread "main" java.lang.IllegalStateException: x\n',
    };
  }
  const job = [...cluster.jobs.values()].find(({ engineJobId }) => engineJobId === parts[3]);
  const base = { serverSparkVersion: '4.3.0', submissionId: parts[3] };
  if (parts[2] === 'kill' && method === 'POST') {
    if (job && isActive(job)) Object.assign(job, { word: 'cancelled', changedMs: Date.now() });
    return { json: { ...base, action: 'KillSubmissionResponse', success: job !== undefined } };
  }
  const answer = { ...base, action: 'SubmissionStatusResponse' };
  if (job === undefined) return { json: { ...answer, success: false } };
  return { json: { ...answer, success: true, driverState: DRIVERS[job.word], workerId: WORKER } };
}

function master(cluster: Cluster) {
  const all = [...cluster.jobs.values()];
  const active = all.filter(isActive);
  const over = all.filter((job) => !isActive(job));
  return {
    url: `spark://${cluster.name}:7077`,
    workers: [
      {
        id: WORKER,
        host: '127.0.0.1',
        port: 7078,
        webuiaddress: cluster.url,
        cores: 4096,
        coresused: active.length,
        coresfree: 4096 - active.length,
        memory: 4_194_304,
        memoryused: active.length * 512,
        memoryfree: 4_194_304 - active.length * 512,
        state: 'ALIVE',
        lastheartbeat: Date.now(),
      },
    ],
    aliveworkers: 1,
    cores: 4096,
    coresused: active.length,
    memory: 4_194_304,
    memoryused: active.length * 512,
    activeapps: active.map(application),
    completedapps: over.map(application),
    activedrivers: active.map(driver),
    completeddrivers: over.map(driver),
    status: 'ALIVE',
  };
}

const ENDS: Partial<Record<JobWord, string>> = { finished: 'FINISHED', failed: 'FAILED', cancelled: 'KILLED' };

/** Without cores an application has lost its executors and waits for others. */
const application = (job: LivingJob) => ({
  id: job.engineJobId.replace('driver', 'app'),
  starttime: job.startedMs,
  name: `${job.tag} ${job.name}`,
  cores: job.word === 'running' ? 1 : 0,
  user: 'sluice',
  memoryperexecutor: 512,
  resourcesperexecutor: [],
  submitdate: new Date(job.startedMs).toUTCString(),
  state: ENDS[job.word] ?? (job.word === 'running' ? 'RUNNING' : 'WAITING'),
  duration: Date.now() - job.startedMs,
});

const driver = (job: LivingJob) => ({
  id: job.engineJobId,
  starttime: String(job.startedMs),
  state: DRIVERS[job.word],
  cores: 1,
  memory: 512,
  submitdate: new Date(job.startedMs).toUTCString(),
  worker: WORKER,
  mainclass: 'dev.sluice.spark.SqlRunner',
});
