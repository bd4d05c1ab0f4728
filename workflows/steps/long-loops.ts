/** Loops that must outlive faults that nobody knows: the next pass comes after a pause, and the page says why. */
import { setCurrentDetails, sleep } from '@temporalio/workflow';
import { wasCancelled } from './cancellation.js';
import { readableCause } from './failures.js';

const PAUSE_MS = 60_000;

/** Waits after a fault without a code of ours; whatever has one is thrown on. */
export async function afterUnknown(error: unknown): Promise<void> {
  const { code, message } = readableCause(error);
  if (wasCancelled(error) || code !== 'UNKNOWN') throw error;
  setCurrentDetails(`The last pass failed: ${message}. The next one begins within a minute.`);
  await sleep(PAUSE_MS, { summary: message.slice(0, 150) });
}
