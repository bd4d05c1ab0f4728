/** Waiting for a Postgres that is away: in place, as long as it takes, and never after being told to stop. */
import { SluiceError } from '../errors.js';
import { isRetryablePg, toStoreError } from '../postgres/pool.js';

const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;

export interface Waiting {
  signal: AbortSignal;
  /** Called with the reason at each failed try, and with undefined when it works again. */
  onWait(reason: string | undefined): void;
  whileWaiting?(): Promise<void>;
}

/** Resolves after `ms`, or at once when the signal fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}

/** A pool that cannot connect in time gives an error without SQLSTATE. */
function isAway(error: unknown): boolean {
  return (
    isRetryablePg(error) ||
    (error instanceof Error && error.message.startsWith('timeout exceeded when trying to connect'))
  );
}

/** Tries until it works; undefined when the signal fired first. Errors that waiting does not mend are thrown. */
export async function untilStoreAnswers<T>(work: () => Promise<T>, waiting: Waiting): Promise<T | undefined> {
  let waited = false;
  for (let pauseMs = FIRST_PAUSE_MS; !waiting.signal.aborted; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    try {
      const result = await work();
      if (waited) waiting.onWait(undefined);
      return result;
    } catch (error) {
      if (error instanceof SluiceError) throw error;
      if (!isAway(error)) throw toStoreError(error);
      waited = true;
      waiting.onWait('Postgres does not answer');
      await pause(pauseMs, waiting.signal);
      await waiting.whileWaiting?.();
    }
  }
  return undefined;
}
