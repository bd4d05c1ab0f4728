/**
 * Records a history per workflow and important branch: `node --import tsx test/replay/record.ts [NAME…]` with
 * TEMPORAL_ADDRESS set. With names only those are written; the others stay as guards of paths that runs are on.
 */
import { rm, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { createFakeActivities, type FakeActivities } from '../support/workflow-activities.js';
import { openWorkflowBench, type WorkflowBench } from '../support/workflow-bench.js';
import { declaredPlan, stagePlan, streamPlan, tablePlan } from '../support/workflow-plans.js';
import { HISTORIES, historyText } from '../support/workflow-replay.js';
import { eventSeen, until } from '../support/workflow-until.js';
import { failure, type FakeWorld } from '../support/workflow-world.js';

const DAY = '1997-01-02';

interface Stage {
  bench: WorkflowBench;
  fakes: FakeActivities;
  /** Keeps the history of this execution under a name. */
  keep: (name: string, handle: WorkflowHandle) => Promise<void>;
}

const ended = (handle: WorkflowHandle): Promise<unknown> => handle.result().catch(() => undefined);

function startRun({ bench }: Stage, world: FakeWorld): Promise<WorkflowHandle> {
  return bench.start('pipelineRun', `run/${world.name}/${DAY}`, { pipeline: world.name, partition: DAY });
}

async function recordRuns(stage: Stage): Promise<void> {
  const { bench, fakes, keep } = stage;
  const chain = fakes.world('chain', {
    plan: declaredPlan([stagePlan('daily'), stagePlan('top', { dependsOn: ['daily'] })], {
      tables: [tablePlan('daily'), tablePlan('top', { table: 'top_cities' })],
      comparisons: [{ table: 'city_sales_live', check: { type: 'reconcile' } }],
    }),
    claims: [{ granted: false, busyWith: 'run/chain/1997-01-01_1997-02-01', firstBusyDay: DAY }],
  });
  const run = await startRun(stage, chain);
  await run.signal('pause');
  await run.signal('resume');
  await ended(run);
  await keep('pipeline-run-succeeded', run);
  await keep('engine-job-succeeded', bench.client.workflow.getHandle(`${run.workflowId}/top`));

  const siblings = fakes.world('siblings', {
    plan: declaredPlan([stagePlan('slow'), stagePlan('broken')], { tables: [] }),
    script: () => ({}),
  });
  const broken = await startRun(stage, siblings);
  await siblings.job('slow');
  await siblings.become(await siblings.job('broken'), 'failed', { blame: 'user', reason: 'division by zero' });
  await ended(broken);
  await keep('pipeline-run-sibling-failed', broken);
  await keep('engine-job-failed-user', bench.client.workflow.getHandle(`${broken.workflowId}/broken`));

  const cancelled = fakes.world('cancelled', { script: () => ({}) });
  const stopped = await startRun(stage, cancelled);
  await cancelled.job('daily');
  await stopped.cancel();
  await ended(stopped);
  await keep('pipeline-run-cancelled', stopped);
  await keep('engine-job-cancelled', bench.client.workflow.getHandle(`${stopped.workflowId}/daily`));

  const held = await startRun(
    stage,
    fakes.world('held', { held: [{ partition: DAY, checks: ['sales-not-negative'] }] }),
  );
  await ended(held);
  await keep('pipeline-run-quality-blocked', held);
  const busy = await startRun(
    stage,
    fakes.world('busy', { claims: [failure('ALREADY_RUNNING', 'ALREADY_RUNNING run/other')] }),
  );
  await ended(busy);
  await keep('pipeline-run-already-running', busy);
  const invalid = await bench.start('pipelineRun', 'run/nobody/x', { pipeline: 'nobody' });
  await ended(invalid);
  await keep('pipeline-run-invalid', invalid);
}

async function recordJobs(stage: Stage): Promise<void> {
  const again = stage.fakes.world('again', {
    plan: declaredPlan([stagePlan('daily', { retry: { attempts: 5, backoffMs: 20, maxBackoffMs: 40 } })]),
    script: (_, submission) => {
      if (submission === 1) return { then: ['restarting', ['failed', { blame: 'resources', outOfMemory: true }]] };
      if (submission === 2) return { then: ['lost'] };
      return submission === 3 ? { answer: 'succeeded', manifest: false } : { then: ['succeeded'] };
    },
  });
  const run = await startRun(stage, again);
  await ended(run);
  await stage.keep('pipeline-run-resubmitted', run);
  await stage.keep('engine-job-resubmitted', stage.bench.client.workflow.getHandle(`${run.workflowId}/daily`));

  const late = stage.fakes.world('late', {
    plan: declaredPlan([
      stagePlan('daily', { startTimeoutMs: 500, retry: { attempts: 1, backoffMs: 1, maxBackoffMs: 1 } }),
    ]),
    script: () => ({ answer: 'pending' }),
    nextCheckMs: 200,
  });
  const slow = await startRun(stage, late);
  await ended(slow);
  await stage.keep('engine-job-not-started', stage.bench.client.workflow.getHandle(`${slow.workflowId}/daily`));

  const lost = stage.fakes.world('lost', {
    script: (_, submission) => (submission === 1 ? { then: ['lost'] } : { then: ['succeeded'] }),
  });
  const found = await startRun(stage, lost);
  await ended(found);
  await stage.keep('engine-job-lost', stage.bench.client.workflow.getHandle(`${found.workflowId}/daily`));

  const silent = stage.fakes.world('silent', {
    script: () => ({ then: [['unknown', { nativeState: 'UNREACHABLE', reason: 'status unknown since yesterday' }]] }),
  });
  const unknown = await startRun(stage, silent);
  await ended(unknown);
  await stage.keep('engine-job-status-unknown', stage.bench.client.workflow.getHandle(`${unknown.workflowId}/daily`));

  const left = stage.fakes.world('left', {
    plan: declaredPlan([stagePlan('daily', { onCancel: 'leave' })]),
    script: () => ({}),
  });
  const leaving = await startRun(stage, left);
  await left.job('daily');
  await leaving.cancel();
  await ended(leaving);
  await stage.keep('engine-job-left-running', stage.bench.client.workflow.getHandle(`${leaving.workflowId}/daily`));
}

async function recordStreams({ bench, fakes, keep }: Stage): Promise<void> {
  const start = (world: FakeWorld): Promise<WorkflowHandle> =>
    bench.start('streamSupervisor', `stream/${world.name}/live`, { pipeline: world.name, stream: 'live' });
  const steady = fakes.world('steady', { script: () => ({}) });
  const kept = await start(steady);
  await steady.become(await steady.job('live', 1), 'failed', { restorePoint: 'file:///checkpoints/7' });
  await steady.job('live', 2);
  await kept.executeUpdate('restart');
  await steady.job('live', 3);
  await kept.executeUpdate('stop');
  await ended(kept);
  await keep('stream-supervisor-stopped', kept);

  const restart = { attempts: 1, windowMs: 600_000, backoffMs: 20, maxBackoffMs: 20 };
  const failing = fakes.world('failing', {
    stream: streamPlan('failing', { restart }),
    script: () => ({ then: ['failed'] }),
  });
  const gaveUp = await start(failing);
  await ended(gaveUp);
  await keep('stream-supervisor-gave-up', gaveUp);

  const stopped = fakes.world('stopped', { script: () => ({}) });
  const cancelled = await start(stopped);
  await stopped.job('live');
  await cancelled.cancel();
  await ended(cancelled);
  await keep('stream-supervisor-cancelled', cancelled);

  const held = fakes.world('held', { script: () => ({}) });
  const letGo = held.hold('submitJob');
  const early = await start(held);
  await until('the submit', () => held.count('submitJob') === 1);
  await early.cancel();
  await until('the cancel', () => eventSeen(early, 'workflowExecutionCancelRequestedEventAttributes'));
  letGo();
  await ended(early);
  await keep('stream-supervisor-cancelled-at-submit', early);

  const gentle = fakes.world('gentle', {
    stream: streamPlan('gentle', { onCancel: 'savepoint-and-stop' }),
    script: () => ({}),
  });
  const saved = await start(gentle);
  await gentle.job('live');
  await saved.executeUpdate('stop');
  await ended(saved);
  await keep('stream-supervisor-savepoint-stop', saved);
}

async function recordLoops({ bench, fakes, keep }: Stage): Promise<void> {
  const nudged = fakes.world('nudged');
  const watch = await bench.start('clusterWatch', 'watch/nudged', { engine: 'flink', cluster: 'nudged' });
  await until('the first pass', () => nudged.passes === 1);
  await watch.signal('nudge');
  await until('the second pass', () => nudged.passes === 2);
  await watch.cancel();
  await ended(watch);
  await keep('cluster-watch-nudged', watch);

  const world = fakes.world('renewed', { passesEndAtOnce: true });
  const renewed = await bench.start('clusterWatch', 'watch/renewed', { engine: 'flink', cluster: 'renewed' });
  const { runId } = await renewed.describe();
  await until('another run', async () => (await renewed.describe()).runId !== runId);
  world.passesEndAtOnce = false;
  await keep('cluster-watch-continued', bench.client.workflow.getHandle('watch/renewed', runId));

  fakes.world('tidied', { reconcileReport: { live: 3, counts: {}, stopped: 'too many' } });
  const tidied = await bench.start('reconcile', 'reconcile/tidied', { engine: 'spark', cluster: 'tidied' });
  await ended(tidied);
  await keep('reconcile-pass', tidied);

  const copied = fakes.world('copied');
  const sync = await bench.start('curatedSync', 'sync/copied/city_sales_live', {
    pipeline: 'copied',
    table: 'city_sales_live',
  });
  await until('the first pass', () => copied.endPass !== undefined);
  copied.endPass?.();
  await until('the second pass', () => copied.passes === 2);
  await sync.cancel();
  await ended(sync);
  await keep('curated-sync-cancelled', sync);
}

const recorded = new Map<string, string>();
const fakes = createFakeActivities(() => bench.client);
const bench = await openWorkflowBench(fakes.activities);
const stage: Stage = {
  bench,
  fakes,
  async keep(name, handle) {
    recorded.set(name, historyText(handle.workflowId, await handle.fetchHistory()));
  },
};
try {
  await Promise.all([recordRuns(stage), recordJobs(stage), recordStreams(stage), recordLoops(stage)]);
} finally {
  await bench.close();
}
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !recorded.has(name));
if (unknown.length > 0)
  throw new Error(`no such history: ${unknown.join(', ')}; there are ${[...recorded.keys()].join(', ')}`);
if (wanted.length === 0) await rm(HISTORIES, { recursive: true, force: true });
await mkdir(HISTORIES, { recursive: true });
const written = [...recorded].filter(([name]) => wanted.length === 0 || wanted.includes(name));
for (const [name, text] of written) await writeFile(join(HISTORIES, `${name}.json`), text);
console.log(`${written.length} histories in ${HISTORIES}`);
