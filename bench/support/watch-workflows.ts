/** Bundle of the watch bench: the product's workflows, and the smallest owner that a watched job can have. */
import { condition, proxyActivities, setHandler } from '@temporalio/workflow';
import { jobChangedSignal } from '../../workflows/contracts/messages.js';
import { quick } from '../../workflows/steps/activity-options.js';
import { isTerminalState } from '../../workflows/steps/job-rules.js';
import type { PollActivities } from './watch-peer.js';

export * from '../../workflows/index.js';

/** As long as a real owner waits before it asks by itself. */
const SILENCE_MS = 2 * 3_600_000;

/** The waiting half of `engineJob`: acknowledges each change by the same activity, and ends with its job. */
export async function watchedJobOwner(): Promise<number> {
  let key = '';
  let newest = 0;
  let acked = 0;
  let over = false;
  setHandler(jobChangedSignal, (change) => {
    key = change.key;
    newest = Math.max(newest, change.observation);
    over ||= isTerminalState(change.state);
  });
  while (!over || newest > acked) {
    if (!(await condition(() => newest > acked, SILENCE_MS))) continue;
    const observation = newest;
    await quick.acknowledgeJob({ key, observation });
    acked = observation;
  }
  return acked;
}

const { pollUntilChanged } = proxyActivities<PollActivities>({
  startToCloseTimeout: '1h',
  heartbeatTimeout: '15s',
  retry: { initialInterval: '1s', maximumInterval: '15s' },
});

/** The peer's owner: one long activity that polls; a change of state ends it and the next one begins. */
export async function pollingJobOwner(input: { url: string; key: string }): Promise<never> {
  let state = 'RUNNING';
  for (;;) ({ state } = await pollUntilChanged({ ...input, state }));
}
