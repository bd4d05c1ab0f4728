/** Wakes a watcher early when a job is submitted to its cluster (LISTEN/NOTIFY); without a connection it just waits. */
import type pg from 'pg';

export const JOB_CHANNEL = 'sluice_engine_job';

export interface WakeUp {
  /**
   * Resolves after `ms`, at a notification for the cluster, or when aborted; true = a notification. Not twice in a row: a
   * crowd of submissions must not become a crowd of list requests.
   */
  wait(ms: number, signal: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
}

export async function createWakeUp(databaseUrl: string, cluster: string, Client: typeof pg.Client): Promise<WakeUp> {
  let wake: (() => void) | undefined;
  let wokenBefore = false;
  const client = new Client({ connectionString: databaseUrl, application_name: `sluice-watch-${cluster}` });
  // A lost connection only costs the early wake-up; the interval still bounds the wait.
  client.on('error', () => undefined);
  client.on('notification', (message) => {
    if (message.payload === cluster) wake?.();
  });
  try {
    await client.connect();
    await client.query(`listen ${JOB_CHANNEL}`);
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  return {
    wait: (ms, signal) =>
      new Promise<boolean>((resolve) => {
        const end = (woken: boolean): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          wake = undefined;
          wokenBefore = woken;
          resolve(woken);
        };
        const done = (): void => end(false);
        const timer = setTimeout(done, ms);
        wake = wokenBefore ? undefined : () => end(true);
        signal.addEventListener('abort', done, { once: true });
        if (signal.aborted) done();
      }),
    close: () => client.end().catch(() => undefined),
  };
}
