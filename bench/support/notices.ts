/** When Temporal accepted the signal about each change, read from the owners' histories after the run. */
import type { Client } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import type { JobChanged } from '../../workflows/contracts/messages.js';
import type { Change } from './change-driver.js';
import { atOnce } from '../../activities/at-once.js';

export interface Notice extends Change {
  /** From the change at the engine to the acceptance of its signal; undefined = never told. */
  afterMs?: number;
}

interface Told {
  atMs: number;
  change: JobChanged;
}

export async function noticesOf(
  client: Client,
  changes: readonly Change[],
): Promise<{ notices: Notice[]; signals: number }> {
  const byOwner = new Map<string, Change[]>();
  for (const change of changes) {
    const id = change.job.owner.workflowId;
    byOwner.set(id, [...(byOwner.get(id) ?? []), change]);
  }
  const notices: Notice[] = [];
  let signals = 0;
  await atOnce([...byOwner], 24, async ([workflowId, mine]) => {
    const told = await signalsOf(client, workflowId);
    signals += told.length;
    for (const change of mine) {
      const heard = told.find((one) => one.change.state === change.state && one.atMs >= change.atMs);
      notices.push(heard ? { ...change, afterMs: heard.atMs - change.atMs } : change);
    }
  });
  return { notices, signals };
}

async function signalsOf(client: Client, workflowId: string): Promise<Told[]> {
  const { events = [] } = await client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap(({ eventTime, workflowExecutionSignaledEventAttributes: signal }) => {
    const data = signal?.input?.payloads?.[0]?.data;
    if (!eventTime || signal?.signalName !== 'jobChanged' || !data) return [];
    return [{ atMs: tsToMs(eventTime), change: JSON.parse(Buffer.from(data).toString()) as JobChanged }];
  });
}
