/** What a job costs in history while nothing happens: real `engineJob` workflows, watched ones and some that must ask by themselves. */
import type { Client } from '@temporalio/client';
import { atOnce } from '../../activities/at-once.js';

/** The shortest time between two safety checks of a watched job; they are jittered upwards only. */
export const CHECK_EVERY_HOURS = 2;

export async function historyLengths(client: Client, workflowIds: readonly string[]): Promise<Map<string, number>> {
  const lengths = new Map<string, number>();
  await atOnce(workflowIds, 16, async (id) => {
    lengths.set(id, (await client.workflow.getHandle(id).describe()).historyLength);
  });
  return lengths;
}

export const growth = (before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): number =>
  [...after].reduce((sum, [id, length]) => sum + length - (before.get(id) ?? 0), 0);

/** Safety checks that have been made so far. */
export async function checksMade(client: Client, workflowIds: readonly string[]): Promise<number> {
  let checks = 0;
  await atOnce(workflowIds, 16, async (id) => {
    const { events = [] } = await client.workflow.getHandle(id).fetchHistory();
    for (const { activityTaskScheduledEventAttributes: scheduled } of events ?? []) {
      if (scheduled?.activityType?.name === 'askJob') checks += 1;
    }
  });
  return checks;
}
