/** The final reckoning: what should be against what the engines, Temporal, Postgres and the lineage outbox say. */
import { booksClose, readBook } from './book.js';
import type { Counts } from './counts.js';
import { EXPECTED, type EndedRun } from './runs.js';
import type { TwinWatch } from './twin-watch.js';
import { judgeLiving, judgeReconcile, judgeSpark, judgeStreams } from './verdict-engines.js';
import { judgeLineage, judgeRuns } from './verdict-runs.js';
import type { World } from './world.js';

export async function judge(
  world: World,
  installation: string,
  runs: readonly EndedRun[],
  twins: TwinWatch,
): Promise<Counts> {
  const { problems } = world;
  await booksClose(world);
  const book = await readBook(world);
  const counts: Counts = {
    runs: { started: runs.length },
    submissions: { prepared: book.length, ran: 0, resubmitted: 0, losers: 0 },
    doubled: twins.twins.length,
    orphans: 0,
    lost: 0,
    reaped: 0,
  };
  problems.push(...twins.twins.map((twin) => `two living jobs of one stream: ${twin}`));
  for (const run of runs) {
    counts.runs[run.ended] = (counts.runs[run.ended] ?? 0) + 1;
    if (run.ended === EXPECTED[run.kind]) continue;
    counts.lost += 1;
    problems.push(`${run.workflowId} (${run.kind}) is ${run.ended}, not ${EXPECTED[run.kind]}: ${run.message ?? ''}`);
  }
  await judgeRuns(world, runs, book);
  await judgeSpark(world, installation, book, counts);
  await judgeStreams(world, book, twins, counts);
  await judgeLiving(world, installation, book, counts);
  await judgeReconcile(world, runs, book, counts);
  await judgeLineage(world, book);
  counts.submissions.resubmitted = book.filter(({ submission }) => submission > 1).length;
  return counts;
}
