/** Heartbeats of slow calls: they say that this attempt lives, and let a cancel through. */
import { Context } from '@temporalio/activity';

const EVERY_MS = 5_000;

export async function whileBeating<T>(what: string, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(what), EVERY_MS);
  try {
    return await call(context.cancellationSignal);
  } finally {
    clearInterval(timer);
  }
}
