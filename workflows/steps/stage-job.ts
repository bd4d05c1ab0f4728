/** Starts a child workflow whose id an earlier, terminated run may still hold while it ends its job. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { sleep } from '@temporalio/workflow';
import { fail } from './failures.js';

const WAIT_MS = 10 * 60_000;
const RETRY_MS = 5_000;

/** `say` hears what is waited for, and nothing once that is over. */
export async function onceFree<T>(
  workflowId: string,
  start: () => Promise<T>,
  say: (note: string | undefined) => void,
): Promise<T> {
  const giveUpAt = Date.now() + WAIT_MS;
  for (let waited = false; ; waited = true) {
    try {
      const child = await start();
      if (waited) say(undefined);
      return child;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      if (Date.now() >= giveUpAt) {
        throw fail('ALREADY_RUNNING', `ALREADY_RUNNING ${workflowId}: the job of an earlier run has not ended yet`);
      }
      const note = `waiting for the earlier ${workflowId} to end`;
      say(note);
      await sleep(RETRY_MS, { summary: note });
    }
  }
}
