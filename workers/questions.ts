/** Questions to what runs: each has a deadline, for without one it would wait for a worker that is not there. */
import type { Client } from '@temporalio/client';

/** Longest wait for an answer. */
export const QUESTION_MS = 5_000;

export const within = <T>(client: Client, ask: () => Promise<T>): Promise<T> =>
  client.withDeadline(Date.now() + QUESTION_MS, ask);
