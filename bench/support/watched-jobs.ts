/** The watched jobs of the bench: open workflows as owners, ledger rows in the real form, and the same jobs at the clusters. */
import { atOnce } from '../../activities/at-once.js';
import { decideSubmission, type StoredSpec } from '../../activities/submission.js';
import { runFacts, stageFacts } from '../../activities/lineage/from-plans.js';
import { stageRunId } from '../../activities/lineage/ids.js';
import type { ObjectStore } from '../../infra/s3/object-store.js';
import { inTransaction } from '../../infra/postgres/pool.js';
import { insertRun, installationId } from '../../infra/postgres/runs.js';
import type { OwnerPair } from '../../workflows/contracts/ids.js';
import type { RunRef, StagePlan } from '../../workflows/contracts/plans.js';
import { CONTROL_QUEUE } from '../../workflows/contracts/task-queues.js';
import type { BenchStack } from './bench-stack.js';
import { eventually, sleep } from './measures.js';
import { CLUSTERS, type SimulatedJob } from './simulated-clusters.js';

export interface WatchedJob extends SimulatedJob {
  owner: OwnerPair;
  engine: 'flink' | 'spark';
  spec: StoredSpec;
  /** Its owner runs on the product's control worker; the others only take signals, and the bench acknowledges for them. */
  served: boolean;
}

const RUN: RunRef = {
  workflowId: 'run/bench/1998-03-14',
  firstRunId: 'bench',
  runId: 'bench',
  pipeline: 'bench',
  partition: '1998-03-14',
  from: '1998-03-14',
  to: '1998-03-15',
  trigger: 'api',
  specHash: 'bench',
  params: {},
  lineageRunId: '00000000-0000-7000-8000-000000000001',
};

const stageOn = (cluster: string, engine: 'flink' | 'spark'): StagePlan => ({
  name: 'daily',
  engine,
  cluster,
  job: { module: engine, mainClass: `dev.sluice.${engine}.SqlRunner`, sql: SQL, args: { top: 10 } },
  inputs: [{ name: 'sales', dataset: 'lake/sales' }],
  outputs: [{ name: 'city_sales_daily', columns: COLUMNS }],
  resources: { cores: 1, memoryMb: 512, parallelism: 1 },
  retry: { attempts: 1, backoffMs: 1_000, maxBackoffMs: 10_000 },
  timeoutMs: 86_400_000,
  startTimeoutMs: 3_600_000,
  dependsOn: [],
});

const COLUMNS = { business_date: 'date', country: 'text', state: 'text', city: 'text', sales: 'numeric(18,4)' };
const SQL = `select order_date as business_date, country, state, city, sum(amount) as sales
  from sales group by order_date, country, state, city`;

export const ownerId = (index: number): string => `run/bench/${index}/daily`;

/** Nobody serves this queue: a workflow on it is open and takes signals, and does nothing. */
const QUIET_QUEUE = 'bench-quiet';

/** Starts this many open workflows, spread over the clusters by their shares; the first `served` of them run. */
export async function startOwners(stack: BenchStack, count: number, served: number): Promise<WatchedJob[]> {
  const context = await submissionContext(stack);
  const places = CLUSTERS.flatMap((cluster) =>
    Array.from({ length: Math.round(count * cluster.share) }, () => cluster),
  );
  const jobs: WatchedJob[] = [];
  await atOnce(spread(places), 48, async ({ name: cluster, engine }, index) => {
    const workflowId = ownerId(index);
    const isServed = index < served;
    const { firstExecutionRunId } = await stack.temporal.client.workflow.start('watchedJobOwner', {
      workflowId,
      taskQueue: isServed ? CONTROL_QUEUE : QUIET_QUEUE,
      args: [],
    });
    const owner = { workflowId, firstRunId: firstExecutionRunId };
    const target = { kind: 'stage' as const, run: RUN, stage: stageOn(cluster, engine), upstream: {} };
    const { key, tag, spec } = decideSubmission({ owner, submission: 1, memoryFactor: 1, target }, context);
    const engineJobId = engine === 'flink' ? key : `driver-20261125000000-${String(index).padStart(5, '0')}`;
    jobs.push({ cluster, engine, owner, key, tag, spec, engineJobId, name: spec.name, served: isServed });
  });
  return jobs;
}

/** Random order, so that the served ones lie on all clusters. */
export const spread = <T>(items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);

/** Acknowledges, as an owner's activity does, every told change of the jobs whose owners do nothing; until stopped. */
export function acknowledgeQuiet({ pool }: BenchStack): { stop: () => Promise<void> } {
  let stopped = false;
  const work = (async () => {
    while (!stopped) {
      await pool.query(
        `update control.engine_job set acked_observation = observation
         where part = 'quiet' and observation > acked_observation and signalled_at is not null`,
      );
      await sleep(300);
    }
  })();
  work.catch(() => undefined);
  return {
    stop() {
      stopped = true;
      return work;
    },
  };
}

/** Resolves once every served owner waits: its first workflow task is over. */
export async function untilOwnersWait({ temporal }: BenchStack, jobs: readonly WatchedJob[]): Promise<void> {
  const served = jobs.filter((job) => job.served);
  await atOnce(served, 16, async ({ owner: { workflowId } }) => {
    await eventually(`${workflowId} waits`, 400_000, async () => {
      // Started, task scheduled, begun and completed, and the timer of its wait.
      return (await temporal.client.workflow.getHandle(workflowId).describe()).historyLength >= 5;
    });
  });
}

async function submissionContext({ pool, config }: BenchStack) {
  const { S3_BUCKET: bucket, KAFKA_BROKERS: kafkaBrokers } = config;
  return { installation: await installationId(pool), bucket, kafkaBrokers, nowMs: Date.now() };
}

/** The run that all jobs of the bench belong to; without it a real submission cannot be prepared. */
export async function recordRun({ pool, config }: BenchStack): Promise<void> {
  const where = whereOf(config);
  const plan = { run: RUN, stages: [stageOn('bench-flink-1', 'flink')], tables: [], owner: 'bench', description: '' };
  await inTransaction(pool, (client) => insertRun(client, { ...RUN, facts: runFacts(where, plan) }));
}

const whereOf = ({ S3_BUCKET, KAFKA_BROKERS, DATABASE_URL }: BenchStack['config']) => ({
  bucket: S3_BUCKET,
  kafkaBrokers: KAFKA_BROKERS,
  databaseUrl: DATABASE_URL,
});

/** Starts real `engineJob` workflows, which prepare and submit by themselves; returns their ids. */
export async function startEngineJobs(stack: BenchStack, cluster: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `run/bench/${cluster}-${index}/daily`);
  await atOnce(ids, 16, async (workflowId) => {
    await stack.temporal.client.workflow.start('engineJob', {
      workflowId,
      taskQueue: CONTROL_QUEUE,
      args: [{ run: RUN, stage: stageOn(cluster, 'flink') }],
    });
  });
  return ids;
}

/** Puts the jobs into the ledger as submitted, seen running and acknowledged; their age counts from now. */
export async function insertRows({ pool, config }: BenchStack, jobs: readonly WatchedJob[]): Promise<void> {
  const where = whereOf(config);
  const run = runFacts(where, { run: RUN, stages: [], tables: [], owner: 'bench', description: '' });
  const rows = jobs.map(({ key, tag, engine, cluster, owner, spec, engineJobId, served }) => {
    const facts = stageFacts(where, run, RUN, stageOn(cluster, engine), owner, 1);
    const identity = { owner_workflow_id: owner.workflowId, owner_first_run_id: owner.firstRunId };
    return {
      key,
      tag,
      engine,
      cluster,
      ...identity,
      spec,
      facts,
      lineage_run_id: stageRunId(facts),
      engine_job_id: engineJobId,
      part: served ? 'daily' : 'quiet',
    };
  });
  for (let from = 0; from < rows.length; from += 1_000) {
    await pool.query(
      `insert into control.engine_job (key, tag, engine, cluster, kind, pipeline, part, partition, owner_workflow_id,
         owner_first_run_id, submission, spec, facts, lineage_run_id, engine_job_id, state, native_state, observation,
         acked_observation, submitted_at, observed_at)
       select key, tag, engine, cluster, 'stage', 'bench', part, '1998-03-14', owner_workflow_id, owner_first_run_id,
         1, spec, facts, lineage_run_id, engine_job_id, 'running', 'RUNNING', 1, 1, now(), now()
       from jsonb_to_recordset($1) as row (key text, tag text, engine text, cluster text, owner_workflow_id text,
         owner_first_run_id text, spec jsonb, facts jsonb, lineage_run_id uuid, engine_job_id text, part text)`,
      [JSON.stringify(rows.slice(from, from + 1_000))],
    );
  }
}

/** A job that is to succeed needs its proof: a manifest beside its output. */
export async function putManifests(objects: ObjectStore, jobs: readonly WatchedJob[]): Promise<void> {
  await atOnce(jobs, 16, async ({ key, spec }) => {
    const manifest = { key, outputs: { city_sales_daily: { files: [], rows: 0 } } };
    await objects.putText(`${spec.outputPrefix ?? ''}_manifest.json`, JSON.stringify(manifest));
  });
}
