/** Starts a child workflow whose id an earlier, terminated run may still hold while it ends its job. */
import { sleep } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
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
    // The server answers before the child has done anything, so what was waited for is over by then.
    const answer = start();
    try {
      if (waited) say(undefined);
      return await answer;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      const note = `waiting for the earlier ${workflowId} to end`;
      if (Date.now() >= giveUpAt) {
        throw fail('ALREADY_RUNNING', `ALREADY_RUNNING ${workflowId}: an earlier run's job has not ended yet`);
      }
      say(note);
      await sleep(RETRY_MS, { summary: note });
    }
  }
}
