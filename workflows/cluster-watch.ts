/** `clusterWatch`: one per engine cluster; keeps the watch activity alive and continues as new after each pass. */
import {
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { ClusterWatchInput } from './contracts/inputs.js';
import { nudgeSignal, watchedQuery, type WatchReport } from './contracts/messages.js';
import { SluiceEngine } from './contracts/search-attributes.js';
import { onWatch } from './steps/activity-options.js';
import { requireEngine, requireTexts } from './steps/inputs.js';
import { afterUnknown } from './steps/long-loops.js';

/** Passes (an hour each, or one per nudge) before the history is cut. */
const PASSES_PER_RUN = 24;

export async function clusterWatch(input: ClusterWatchInput): Promise<void> {
  requireTexts(input, ['engine', 'cluster'], '{"engine":"flink","cluster":"flink"}');
  requireEngine(input);
  let passes = 0;
  let last: WatchReport | undefined;
  let nudged = false;
  setHandler(watchedQuery, () => ({ cluster: input.cluster, passes, ...(last ? { last } : {}) }));
  setHandler(nudgeSignal, () => {
    nudged = true;
  });
  upsertSearchAttributes([{ key: SluiceEngine, value: input.engine }]);
  const details = `Watches **${input.cluster}** (${input.engine}) and signals the owners of jobs that changed.`;
  const watch = onWatch(input.engine, input.cluster);

  while (passes < PASSES_PER_RUN) {
    nudged = false;
    setCurrentDetails(details);
    const pass = new CancellationScope();
    const work = pass.run(() =>
      watch.watchCluster.executeWithOptions({ summary: `watch ${input.cluster}` }, [
        { engine: input.engine, cluster: input.cluster },
      ]),
    );
    const ended = work.then(
      (report) => {
        last = report;
      },
      async (error: unknown) => {
        if (isCancellation(error) && nudged) return;
        await afterUnknown(error);
      },
    );
    let over = false;
    await Promise.race([
      ended.finally(() => {
        over = true;
      }),
      condition(() => nudged).then(() => {
        if (!over) pass.cancel();
        return ended;
      }),
    ]);
    passes += 1;
  }
  await continueAsNew<typeof clusterWatch>(input);
}
