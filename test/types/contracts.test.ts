/** Wrong calls of the contracts must not compile: each expectation below is checked by the compiler, which fails when there is no error. */
import { test } from 'node:test';
import type { Client } from '@temporalio/client';
import type { Activities } from '../../workflows/contracts/activities.js';
import type { ClusterWatchInput, PipelineRunInput } from '../../workflows/contracts/inputs.js';
import { jobChangedSignal, progressQuery, stopUpdate } from '../../workflows/contracts/messages.js';
import type { clusterWatch, engineJob, streamSupervisor } from '../../workflows/index.js';
import { engineQueue } from '../../workflows/contracts/task-queues.js';
import { SluiceError } from '../../infra/errors.js';
import type { Observation } from '../../engines/port.js';

const options = { workflowId: 'w', taskQueue: 'control' };

/** Never called: the compiler reads it. */
export async function wrongCalls(client: Client, activities: Activities): Promise<void> {
  // @ts-expect-error a watch needs to know its engine
  await client.workflow.start<typeof clusterWatch>('clusterWatch', { ...options, args: [{ cluster: 'flink' }] });
  // @ts-expect-error there is no such engine
  const watch: ClusterWatchInput = { engine: 'hadoop', cluster: 'c' };
  // @ts-expect-error a stage is more than its name
  await client.workflow.start<typeof engineJob>('engineJob', { ...options, args: [{ stage: 'daily' }] });
  // @ts-expect-error a stream has a name
  await client.workflow.start<typeof streamSupervisor>('streamSupervisor', { ...options, args: [{ pipeline: 'p' }] });

  const handle = client.workflow.getHandle('w');
  // @ts-expect-error a change names its observation
  await handle.signal(jobChangedSignal, { key: 'k', state: 'running' });
  // @ts-expect-error stop takes nothing
  await handle.executeUpdate(stopUpdate, { args: ['now'] });
  // @ts-expect-error progress is not a text
  const progress: string = await handle.query(progressQuery);

  // @ts-expect-error an outcome of our own
  await activities.settleJob({ key: 'k', outcome: 'done', submissions: 1 });
  // @ts-expect-error the owner is a pair
  await activities.resolveRun({ input: {}, owner: 'w', runId: 'r' });
  // @ts-expect-error days are texts
  const run: PipelineRunInput = { pipeline: 'p', partition: new Date() };
  // @ts-expect-error no such engine
  engineQueue('hadoop', 'c');
  // @ts-expect-error no such code
  const error = new SluiceError('SOMETHING_WENT_WRONG', 'x');
  // @ts-expect-error an observation has the engine's own word
  const seen: Observation = { key: 'k', state: 'running' };
  void [watch, progress, run, error, seen];
}

test('wrong calls do not compile (checked by the compiler)', () => undefined);
