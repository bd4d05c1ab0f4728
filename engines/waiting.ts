/** Waiting for a condition with a deadline; the only place where adapters sleep. */
import { setTimeout as sleep } from 'node:timers/promises';
import { abortReason } from '../infra/http/client.js';

export interface WaitOptions {
  deadlineMs: number;
  intervalMs: number;
  signal?: AbortSignal | undefined;
}

/** Sleeps; an abort ends the sleep with the signal's own reason. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    if (signal?.aborted) throw abortReason(signal);
    throw error;
  }
}

/** Asks until the answer is not undefined or the time is over (then undefined); the first question is asked at once. */
export async function waitFor<T>(ask: () => Promise<T | undefined>, options: WaitOptions): Promise<T | undefined> {
  const end = Date.now() + options.deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    const left = end - Date.now();
    if (left <= 0) return undefined;
    await pause(Math.min(options.intervalMs, left), options.signal);
  }
}
