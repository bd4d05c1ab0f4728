/** All activities of the product in memory, for workflow tests: stateful, steered by one world per test. */
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { submissionKey } from '../../activities/submission.js';
import type { Activities, JobSnapshot } from '../../workflows/contracts/activities.js';
import type { RunRef, StageResult } from '../../workflows/contracts/plans.js';
import { failure, FakeWorld, type FakeJob, type JobScript } from './workflow-world.js';

export interface FakeActivities {
  activities: Activities;
  /** Everything of this pipeline or cluster belongs to the returned world. */
  world(name: string, set?: Partial<FakeWorld>): FakeWorld;
}

export function createFakeActivities(client: () => Client): FakeActivities {
  const worlds = new Map<string, FakeWorld>();
  const jobs = new Map<string, { world: FakeWorld; job: FakeJob }>();

  const worldOf = (name: unknown, activity: string): FakeWorld => {
    const world = worlds.get(String(name));
    if (!world) throw failure('INVALID_REQUEST', `unknown pipeline '${String(name)}'`);
    world.calls.push(activity);
    return world;
  };
  const jobOf = (key: string, activity: string): { world: FakeWorld; job: FakeJob } => {
    const found = jobs.get(key);
    if (!found) throw failure('INVALID_REQUEST', `no submission ${key}`);
    found.world.calls.push(activity);
    return found;
  };

  const activities = {
    async resolveRun({ input, owner, runId }) {
      const { pipeline, partition } = (input ?? {}) as { pipeline?: string; partition?: string };
      const world = worldOf(pipeline, 'resolveRun');
      const [from = '', to = from] = (partition ?? '').split('/');
      const run: RunRef = {
        ...owner,
        runId,
        pipeline: world.name,
        partition: partition ?? '',
        from,
        to,
        trigger: 'api',
        specHash: 'spec-1',
        params: {},
        lineageRunId: '00000000-0000-7000-8000-000000000001',
      };
      return { ...world.plan, run };
    },

    async claimPartition({ run, lastTry }) {
      const world = worldOf(run.pipeline, 'claimPartition');
      world.lastTries.push(lastTry);
      const answer = world.claims.shift() ?? { granted: true as const, fence: 7 };
      if (answer instanceof Error) throw answer;
      return answer;
    },

    async finishRun(request) {
      worldOf(request.run.pipeline, 'finishRun').finished.push(request);
    },

    async prepareSubmission(request) {
      const { target, owner, submission } = request;
      const world = worldOf(
        target.kind === 'stage' ? target.run.pipeline : target.stream.pipeline,
        'prepareSubmission',
      );
      await world.gates.get('prepareSubmission');
      world.stumble('prepareSubmission');
      const key = submissionKey(owner, submission);
      const known = jobs.get(key);
      if (known) return known.job.snapshot;
      const snapshot: JobSnapshot = {
        key,
        state: 'pending',
        nativeState: '',
        observation: 0,
        nextCheckMs: world.nextCheckMs,
      };
      const part = target.kind === 'stage' ? target.stage.name : target.stream.stream;
      const counters = { submits: 0, asked: 0, cancels: 0, acknowledged: 0, settled: [] };
      const job: FakeJob = { key, owner, part, submission, request, snapshot, ...counters };
      jobs.set(key, { world, job });
      world.jobs.push(job);
      return snapshot;
    },

    async submitJob({ key }) {
      const { world, job } = jobOf(key, 'submitJob');
      await world.gates.get('submitJob');
      world.stumble('submitJob');
      const script = world.script(job.part, job.submission);
      const isFirst = job.submits === 0;
      job.submits += 1;
      if (isFirst) {
        const id = `${job.part}-${job.submission}`;
        const page = { engineJobId: id, link: `http://127.0.0.1/jobs/${id}` };
        world.change(job, script.answer ?? 'running', { ...page, ...script.answerMore });
      }
      const answer = job.snapshot;
      job.acknowledged = answer.observation;
      if (isFirst) void follow(world, job, script.then ?? []);
      return answer;
    },

    async acknowledgeJob({ key, observation }) {
      const { job } = jobOf(key, 'acknowledgeJob');
      job.acknowledged = Math.max(job.acknowledged, observation);
      return job.snapshot;
    },

    async askJob({ key }) {
      const { world, job } = jobOf(key, 'askJob');
      job.asked += 1;
      world.stumble('askJob');
      world.onAsk(job);
      return job.snapshot;
    },

    async cancelJob({ key, how = 'kill' }) {
      const { world, job } = jobOf(key, 'cancelJob');
      job.cancels += 1;
      job.how = how;
      world.stumble('cancelJob');
      if (job.snapshot.state === 'lost' && world.revivedAs) {
        return { ...job.snapshot, state: world.revivedAs, nativeState: world.revivedAs.toUpperCase() };
      }
      world.change(job, ...world.cancelledAs);
      return job.snapshot;
    },

    async settleJob({ key, outcome, reason, submissions }) {
      const { world, job } = jobOf(key, 'settleJob');
      const isStage = job.request.target.kind === 'stage';
      if (outcome === 'succeeded' && isStage && world.script(job.part, job.submission).manifest === false) return null;
      job.settled.push(reason === undefined ? { outcome } : { outcome, reason });
      return outcome === 'succeeded' && isStage ? resultOf(job, submissions) : null;
    },

    async reconcileCluster(request) {
      const world = worldOf(request.cluster, 'reconcileCluster');
      world.reconciled.push(request);
      world.stumble('reconcileCluster');
      const { engine, cluster, dryRun = false } = request;
      const report = { cluster, engine, dryRun, live: 0, orphans: [], counts: {}, unknown: [] };
      return { ...report, at: '1998-01-01T00:00:00.000Z', ...world.reconcileReport };
    },

    async reconcileRuns() {
      return [];
    },

    async watchCluster({ cluster }) {
      const world = worldOf(cluster, 'watchCluster');
      world.stumble('watchCluster');
      world.passes += 1;
      const pass = world.passes;
      await onePass(world);
      return { cluster, watched: pass, requests: pass, signals: 0, endedAt: '1998-01-01T00:00:00.000Z' };
    },

    async resolveStream({ pipeline }) {
      return worldOf(pipeline, 'resolveStream').stream;
    },

    async resolveSync({ pipeline, table }) {
      worldOf(pipeline, 'resolveSync');
      return {
        pipeline,
        table,
        topic: `results.${table}`,
        columns: { city: 'text' },
        key: ['city'],
        mode: 'upsert' as const,
      };
    },

    async syncTopic({ pipeline }) {
      const world = worldOf(pipeline, 'syncTopic');
      world.passes += 1;
      await onePass(world);
      return { offsets: { 0: '10' }, rows: 10, deleted: 0, rejected: 0, lag: 3 };
    },

    async syncLag({ pipeline }) {
      worldOf(pipeline, 'syncLag');
      return { lag: 0, partitions: [] };
    },

    async loadStaging({ run, table }) {
      const world = worldOf(run.pipeline, 'loadStaging');
      return {
        stagingTable: `${world.name}.${table.table}`,
        rows: 12,
        partitions: [{ partition: run.from, rows: 12 }],
      };
    },

    async runChecks({ run }) {
      const { held } = worldOf(run.pipeline, 'runChecks');
      const verdict = held.length > 0 ? ('fail' as const) : ('pass' as const);
      return { verdict, rows: 12, checks: [], verdicts: { [run.from]: verdict }, held };
    },

    async publishTable({ run, table, held = [] }) {
      const world = worldOf(run.pipeline, 'publishTable');
      world.stumble('publishTable');
      await world.gates.get('publishTable');
      const published = held.length > 0 ? 0 : 1;
      return { table: table.table, published, rows: 12 * published, empty: 0, superseded: 0, held: [...held] };
    },

    async compareTables({ run, table }) {
      const { comparison } = worldOf(run.pipeline, 'compareTables');
      const counts = { leftRows: 12, rightRows: 12, agree: 12, differ: 0, onlyLeft: 0, onlyRight: 0 };
      const { from, to } = run;
      return { name: table, severity: 'warn', verdict: 'pass', from, to, ...counts, samples: [], ...comparison };
    },

    async dropStaging({ stagingTable }) {
      worldOf(stagingTable.split('.')[0], 'dropStaging');
    },
  } satisfies Activities;

  return {
    activities,
    world(name, set = {}) {
      const world = Object.assign(new FakeWorld(name, client), set);
      worlds.set(name, world);
      return world;
    },
  };
}

/** Reports one state after the other, as the watcher would. */
async function follow(world: FakeWorld, job: FakeJob, states: NonNullable<JobScript['then']>): Promise<void> {
  for (const step of states) {
    const [state, more] = typeof step === 'string' ? [step, {}] : step;
    // The owner may have been closed by its test meanwhile.
    await world.become(job, state, more).catch(() => undefined);
  }
}

function resultOf(job: FakeJob, submissions: number): StageResult {
  const { key, part: stage, snapshot } = job;
  return {
    stage,
    key,
    submissions,
    manifest: `s3://lake/${stage}/${key}/_manifest.json`,
    rows: { city_sales_daily: 12 },
    ...(snapshot.engineJobId === undefined ? {} : { engineJobId: snapshot.engineJobId }),
    ...(snapshot.link === undefined ? {} : { link: snapshot.link }),
  };
}

/** Lasts until the test ends it, or until it is cancelled. */
async function onePass(world: FakeWorld): Promise<void> {
  if (world.passesEndAtOnce) return;
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), 50);
  try {
    await Promise.race([context.cancelled, new Promise<void>((resolve) => (world.endPass = resolve))]);
  } finally {
    clearInterval(beat);
  }
}
