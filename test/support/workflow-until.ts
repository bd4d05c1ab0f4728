/** Waits until something holds, asking often and giving up at a deadline. */
import type { WorkflowHandle } from '@temporalio/client';

/** True once the history has an event with these attributes and the workflow task that follows it is over. */
export async function eventSeen(handle: WorkflowHandle, attributes: string): Promise<boolean> {
  const events = (await handle.fetchHistory()).events ?? [];
  const at = events.findIndex((event) => (event as Record<string, unknown>)[attributes]);
  return at >= 0 && events.slice(at).some((event) => event.workflowTaskCompletedEventAttributes);
}

export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 20_000,
): Promise<T> {
  const giveUpAt = Date.now() + timeoutMs;
  for (;;) {
    const found = await ask();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > giveUpAt) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** The promise's result, unless it takes longer than allowed. */
export async function within<T>(what: string, promise: Promise<T>, timeoutMs = 20_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${timeoutMs / 1000} s`)), timeoutMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
