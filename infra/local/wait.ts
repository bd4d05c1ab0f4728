/** Waiting for a condition with a deadline, and the questions asked of servers while waiting. */
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export async function pause(milliseconds: number): Promise<void> {
  await delay(milliseconds);
}

/** Asks until the answer is true; false when the deadline passes first. An error counts as "not yet". */
export async function waitFor(question: () => Promise<boolean>, timeoutMs: number, everyMs = 150): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (await question().catch(() => false)) return true;
    if (Date.now() >= deadline) return false;
    await pause(everyMs);
  }
}

export async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const answer = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.setTimeout(2_000, () => answer(false));
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

/** True when the address answers with one of the wanted statuses. */
export async function answers(url: string, statuses: readonly number[] = [200]): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(3_000), redirect: 'manual' });
  await response.arrayBuffer();
  return statuses.includes(response.status);
}

/** The JSON body of an address, for probes that look inside. */
export async function json(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(3_000) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return response.json();
}
