/** Jobs by the engines' own evidence: one per submission, none without an owner, none ended that should live. */
import type { ReconcileResult } from '../../workflows/contracts/reconcile.js';
import { bookEntry, ofRun, type BookRow } from './book.js';
import type { Counts } from './counts.js';
import { liveFlinkJobs, liveSparkJobs, liveStreamJobs } from './engine-view.js';
import { acceptedJobs } from './flink-evidence.js';
import type { EndedRun } from './runs.js';
import { appsSeen, driversSeen, worksAtOnce } from './spark-evidence.js';
import type { TwinWatch } from './twin-watch.js';
import type { World } from './world.js';

/** One application that worked per submission; others must have met the claim and done nothing. */
export async function judgeSpark(
  world: World,
  installation: string,
  book: readonly BookRow[],
  counts: Counts,
): Promise<void> {
  const { problems } = world;
  const drivers = await driversSeen(world);
  const apps = await appsSeen(world, installation);
  for (const row of book.filter(({ engine }) => engine === 'spark')) {
    const claim = (await world.objects.getJson(`${row.prefix ?? ''}_claim`)) as { appId?: string } | undefined;
    const mine = apps.filter(({ key }) => key === row.key);
    const worked = mine.filter(({ jobs }) => jobs > 0);
    const strangers = worked.filter(({ id }) => id !== claim?.appId);
    const driven = drivers.filter(({ key }) => key === row.key);
    if (driven.length > 0) counts.submissions.ran += 1;
    counts.submissions.losers += driven.filter(({ lostTheClaim }) => lostTheClaim).length;
    if (worked.length > 1 || strangers.length > 0) {
      counts.doubled += 1;
      problems.push(
        `submission ${row.key} (${row.owner}): applications ${worked.map(({ id }) => id).join(', ')} worked, claimed by ${claim?.appId ?? 'nobody'}`,
      );
    }
    if (row.settled === 'succeeded' && worked.length === 0) {
      problems.push(`submission ${row.key} (${row.owner}) is recorded as done, and no application worked for it`);
    }
  }
  for (const [first, second] of worksAtOnce(apps)) {
    counts.doubled += 1;
    problems.push(`${first.name}: ${first.id} (${first.key}) and ${second.id} (${second.key}) worked at the same time`);
  }
  const known = new Set(book.map(({ key }) => key));
  for (const { id, key } of [...apps, ...drivers])
    if (!known.has(key)) problems.push(`${id} has no intent in the book`);
}

/** Flink took each submission once; a Kafka Streams submission had one JVM in all. */
export async function judgeStreams(
  world: World,
  book: readonly BookRow[],
  twins: TwinWatch,
  counts: Counts,
): Promise<void> {
  const accepted = await acceptedJobs(world);
  const twice = [...accepted]
    .filter(([, times]) => times > 1)
    .map(([id, times]) => `Flink accepted ${id} ${times} times`);
  for (const [key, pids] of twins.pids) {
    if (pids.size > 1) twice.push(`submission ${key} had the processes ${[...pids].join(', ')}`);
  }
  counts.doubled += twice.length;
  world.problems.push(...twice);
  if (accepted.size === 0) world.problems.push("no submission found in the JobManager's logs: the evidence is missing");
  for (const { key, engine } of book) {
    if ((engine === 'flink' && accepted.has(key)) || (engine === 'kafka-streams' && twins.pids.has(key))) {
      counts.submissions.ran += 1;
    }
  }
}

/** At the end nothing lives at the engines but one job per stream, and that is the one of the book. */
export async function judgeLiving(
  world: World,
  installation: string,
  book: readonly BookRow[],
  counts: Counts,
): Promise<void> {
  const drivers = new Map((await driversSeen(world)).map(({ id, key }) => [id, key]));
  const living = [
    ...(await liveFlinkJobs(world, installation)),
    ...(await liveSparkJobs(world, installation, drivers)),
    ...(await liveStreamJobs(world)),
  ];
  const open = new Set(book.filter(({ kind, ended }) => kind === 'stream' && !ended).map(({ key }) => key));
  for (const { engine, id, key } of living) {
    if (open.has(key)) continue;
    counts.orphans += 1;
    const row = book.find((one) => one.key === key);
    const known = row === undefined ? 'no row' : bookEntry(row);
    world.problems.push(`${engine} ${id} (${key || 'no key'}) lives without an open owner; in the book: ${known}`);
  }
  for (const key of open) {
    if (living.some((job) => job.key === key)) continue;
    counts.lost += 1;
    world.problems.push(`submission ${key} is open in the book, and no engine has it`);
  }
}

/** Reconcile ends only what a termination left behind. */
export async function judgeReconcile(
  { temporal, problems }: World,
  runs: readonly EndedRun[],
  book: readonly BookRow[],
  counts: Counts,
): Promise<void> {
  const terminated = new Set(
    runs.filter(({ kind }) => kind === 'terminate').flatMap((run) => ofRun(run, book).map(({ key }) => key)),
  );
  const reaped = new Set<string>();
  let passes = 0;
  for await (const { workflowId, runId, status } of temporal.client.workflow.list({
    query: "WorkflowType = 'reconcile'",
  })) {
    passes += 1;
    if (status.name !== 'COMPLETED') continue;
    const report = (await temporal.client.workflow.getHandle(workflowId, runId).result()) as ReconcileResult;
    if (report.stopped) problems.push(`${workflowId} stopped: ${report.stopped}`);
    for (const { key, action, owner, reason } of report.orphans) {
      if (action === 'reaped') reaped.add(key);
      // It looks twice before it acts, and closes a book that its owner did not live to close.
      if (action === 'waits' || action === 'ended') continue;
      if (!terminated.has(key))
        problems.push(`${workflowId}: ${action} ${key} of ${owner}, whose owner nobody ended: ${reason}`);
    }
  }
  if (passes === 0) problems.push('reconcile never ran');
  counts.reaped = reaped.size;
}
