/** Starts the runs of a round, ends those that are to be ended midway, and waits for the end of each. */
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowFailedError, WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client';
import { failureOf } from '../../workers/run-failure.js';
import type { StartedRun } from '../../workers/control.js';
import { messageOf } from '../../infra/errors.js';
import type { PlannedRun, RunKind } from './schedule.js';
import type { World } from './world.js';

/** How a run must end: the status of its workflow, and the code of its failure. */
export const EXPECTED: Record<RunKind, string> = {
  chain: 'COMPLETED',
  'user-error': 'FAILED JOB_FAILED_USER',
  cancel: 'CANCELLED',
  terminate: 'TERMINATED',
};

export interface EndedRun extends StartedRun {
  kind: RunKind;
  pipeline: string;
  day: string;
  /** `COMPLETED`, `FAILED <code>`, `CANCELLED`, `TERMINATED`, or `OPEN` when it did not end in time. */
  ended: string;
  message?: string;
}

export async function runOne(world: World, planned: PlannedRun, deadlineMs: number): Promise<EndedRun> {
  await delay(planned.atMs);
  const { kind, pipeline, day } = planned;
  const started = await world.control.startRun({ pipeline, partition: day });
  const handle = world.temporal.client.workflow.getHandle(started.workflowId, started.runId);
  if (kind === 'cancel' || kind === 'terminate') {
    await delay(planned.endAfterMs);
    // One that has ended by itself is in a wrong state, which the end tells.
    await unlessEnded(() => (kind === 'cancel' ? handle.cancel() : handle.terminate('the fault script')));
    // The owner of its job too: nothing of ours gets a chance to stop what they started.
    if (kind === 'terminate') await unlessEnded(() => childOf(world, handle).terminate('the fault script'));
  }
  const outcome = await endOf(handle, deadlineMs);
  return { ...started, kind, pipeline, day, ...outcome };
}

const childOf = ({ temporal }: World, run: WorkflowHandle): WorkflowHandle =>
  temporal.client.workflow.getHandle(`${run.workflowId}/wait`);

async function unlessEnded(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

async function endOf(handle: WorkflowHandle, deadlineMs: number): Promise<Pick<EndedRun, 'ended' | 'message'>> {
  const timeout = new AbortController();
  const ended = handle.result().then(
    () => ({ ended: 'COMPLETED' }),
    async (error: unknown) => {
      if (!(error instanceof WorkflowFailedError)) return { ended: 'OPEN', message: messageOf(error) };
      const status = (await handle.describe()).status.name;
      const { code, message } = failureOf(error);
      return { ended: status === 'FAILED' ? `FAILED ${code}` : status, message };
    },
  );
  const late = delay(Math.max(0, deadlineMs - Date.now()), undefined, { signal: timeout.signal }).then(
    () => ({ ended: 'OPEN', message: 'did not end in time' }),
    () => new Promise<never>(() => {}),
  );
  try {
    return await Promise.race([ended, late]);
  } finally {
    timeout.abort();
  }
}
