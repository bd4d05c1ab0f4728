/** Answers of a Flink session cluster (REST of 2.3): the list, one job and its details, jars, run and cancel. */
import type { Answered, Asked, Cluster, LivingJob } from './cluster-process.js';
import type { JobWord } from './simulated-clusters.js';

const STATES: Record<JobWord, string> = {
  running: 'RUNNING',
  restarting: 'RESTARTING',
  finished: 'FINISHED',
  failed: 'FAILED',
  cancelled: 'CANCELED',
};
const TASKS: Record<JobWord, string> = {
  running: 'running',
  restarting: 'created',
  finished: 'finished',
  failed: 'failed',
  cancelled: 'canceled',
};
const NO_TASKS = {
  running: 0,
  canceling: 0,
  canceled: 0,
  total: 2,
  created: 0,
  scheduled: 0,
  deploying: 0,
  reconciling: 0,
  finished: 0,
  initializing: 0,
  failed: 0,
};
const ended = ({ word }: LivingJob): boolean => word !== 'running' && word !== 'restarting';

export function answerFlink(cluster: Cluster, { method, path, body }: Asked): Answered {
  const [first, id, part] = path.split('/').filter((one) => one !== '');
  if (first === 'overview') return { json: { 'flink-version': '2.3.0', 'slots-total': 8, 'slots-available': 0 } };
  if (first === 'jars' && method === 'GET') return { json: { address: cluster.url, files: cluster.jars } };
  if (first === 'jars' && id === 'upload') {
    const name = /filename="([^"]+)"/.exec(body.toString('latin1'))?.[1] ?? 'unnamed';
    const jar = { id: `${cluster.jars.length}_${name}`, name, uploaded: Date.now() };
    cluster.jars.push(jar);
    return { json: { filename: `/tmp/flink-web-upload/${jar.id}`, status: 'success' } };
  }
  if (first === 'jars') return run(cluster, body);
  if (first !== 'jobs') return unknown(path);
  if (id === 'overview') return { isList: true, json: { jobs: [...cluster.jobs.values()].map(listed) } };
  const job = cluster.jobs.get(id ?? '');
  if (job === undefined) return unknown(path);
  if (method === 'PATCH') {
    Object.assign(job, { word: 'cancelled', changedMs: Date.now() });
    return { status: 202, json: {} };
  }
  return detail(job, part);
}

function run(cluster: Cluster, body: Buffer): Answered {
  const { jobId, programArgsList } = JSON.parse(body.toString('utf8')) as {
    jobId: string;
    programArgsList: string[];
  };
  const { tag = '', name = '' } = JSON.parse(programArgsList[1] ?? '{}') as { tag?: string; name?: string };
  cluster.accept({ cluster: cluster.name, key: jobId, engineJobId: jobId, tag, name });
  return { json: { jobid: jobId } };
}

function listed(job: LivingJob) {
  const now = Date.now();
  return {
    jid: job.key,
    name: `${job.tag} ${job.name}`,
    'start-time': job.startedMs,
    'end-time': ended(job) ? job.changedMs : -1,
    duration: (ended(job) ? job.changedMs : now) - job.startedMs,
    state: STATES[job.word],
    'last-modification': job.changedMs,
    tasks: { ...NO_TASKS, [TASKS[job.word]]: 2 },
    'pending-operators': 0,
    'job-type': 'BATCH',
  };
}

function detail(job: LivingJob, part: string | undefined): Answered {
  if (part === 'checkpoints') {
    return {
      json: { counts: { completed: 0, failed: 0, in_progress: 0 }, latest: { completed: null, savepoint: null } },
    };
  }
  if (part === 'metrics') return { json: [{ id: 'numRestarts', value: '0' }] };
  if (part === 'exceptions') {
    const entry = {
      exceptionName: 'org.apache.flink.table.api.TableException',
      stacktrace: 'org.apache.flink.table.api.TableException: column amount not found\n\tat a.B.c(B.java:1)',
      timestamp: job.changedMs,
      taskName: 'Source: sales',
    };
    return { json: { exceptionHistory: { entries: job.word === 'failed' ? [entry] : [], truncated: false } } };
  }
  const { tasks, ...rest } = listed(job);
  const counts = Object.entries(tasks).filter(([name]) => name !== 'total');
  return { json: { ...rest, vertices: [{ tasks: Object.fromEntries(counts.map(([k, n]) => [k.toUpperCase(), n])) }] } };
}

const unknown = (path: string): Answered => ({ status: 404, json: { errors: [`${path} not found`] } });
