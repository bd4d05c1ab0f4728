/** `streamSupervisor`: keeps one stream running; start, health, restart within a budget, stop; continues as new. */
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { JobSnapshot } from './contracts/activities.js';
import type { StreamSupervisorInput } from './contracts/inputs.js';
import { jobChangedSignal, restartUpdate, stopUpdate, streamStateQuery } from './contracts/messages.js';
import type { StreamCarry, StreamState } from './contracts/streams.js';
import { SluiceEngine, SluicePipeline, SluiceState } from './contracts/search-attributes.js';
import { onEngine, quick } from './steps/activity-options.js';
import { asCancellation, wasCancelled } from './steps/cancellation.js';
import { fail, readableCause } from './steps/failures.js';
import { isTerminalState } from './steps/job-rules.js';
import { restartDelayMs, withinWindow } from './steps/restart-budget.js';
import { streamDetails } from './steps/stream-details.js';

export async function streamSupervisor(input: StreamSupervisorInput): Promise<{ stopped: true; submissions: number }> {
  const info = workflowInfo();
  const owner = { workflowId: info.workflowId, firstRunId: info.firstExecutionRunId };
  let signalled = 0;
  let restartWanted = false;
  const state: StreamState = {
    pipeline: input.pipeline,
    stream: input.stream,
    wish: input.carry?.wish ?? 'run',
    state: 'resolving',
    healthy: false,
    generation: input.carry?.generation ?? 1,
    submission: input.carry?.submission ?? 0,
    restartsInWindow: 0,
  };
  setHandler(streamStateQuery, () => state);
  setHandler(jobChangedSignal, (change) => {
    if (change.key === state.key) signalled = Math.max(signalled, change.observation);
  });
  setHandler(stopUpdate, () => {
    state.wish = 'stop';
    return { generation: state.generation };
  });
  setHandler(restartUpdate, () => {
    restartWanted = true;
    return { generation: state.generation };
  });

  const plan =
    input.carry?.plan ??
    (await quick.resolveStream.executeWithOptions({ summary: 'resolve the stream' }, [
      { pipeline: input.pipeline, stream: input.stream, owner },
    ]));
  state.engine = plan.engine;
  state.cluster = plan.cluster;
  upsertSearchAttributes([
    { key: SluicePipeline, value: plan.pipeline },
    { key: SluiceEngine, value: plan.engine },
  ]);
  const engine = onEngine(plan.engine, plan.cluster, 24 * 3_600_000);
  let restartsAtMs = input.carry?.restartsAtMs ?? [];
  let restoreFrom = input.carry?.restoreFrom;
  let resuming = input.carry?.key !== undefined;
  /** Key of the submission whose book is not closed yet. */
  let open: string | undefined;

  // A function, so that the compiler knows that a handler may have changed the wish meanwhile.
  const stopWanted = (): boolean => state.wish === 'stop';
  const show = (job: JobSnapshot): JobSnapshot => {
    const changed = state.state !== job.state;
    state.state = job.state;
    state.healthy = job.state === 'running';
    if (job.engineJobId) state.engineJobId = job.engineJobId;
    if (job.link) state.link = job.link;
    if (job.reason) state.reason = job.reason;
    else delete state.reason;
    if (job.restorePoint) restoreFrom = job.restorePoint;
    if (changed) {
      upsertSearchAttributes([{ key: SluiceState, value: job.state }]);
      upsertMemo({ engine: plan.engine, engineJobId: state.engineJobId ?? '', link: state.link ?? '' });
    }
    setCurrentDetails(streamDetails(state));
    return job;
  };

  try {
    while (!stopWanted()) {
      if (!resuming) state.submission += 1;
      const submission = state.submission;
      const prepared = await quick.prepareSubmission.executeWithOptions(
        { summary: `submission ${submission} of ${plan.stream}` },
        [
          {
            owner,
            submission,
            memoryFactor: 1,
            target: { kind: 'stream', stream: plan, generation: state.generation },
            ...(restoreFrom && plan.upgrade !== 'stateless' ? { restoreFrom } : {}),
          },
        ],
      );
      state.key = prepared.key;
      open = prepared.key;
      restartWanted = false;
      signalled = resuming ? (input.carry?.observation ?? 0) : 0;
      resuming = false;
      let job = show(
        await engine.submitJob.executeWithOptions({ summary: `start ${plan.stream} on ${plan.cluster}` }, [
          { key: prepared.key },
        ]),
      );
      const startedAtMs = Date.now();
      let ran = job.state === 'running';
      while (!isTerminalState(job.state) && !stopWanted() && !restartWanted) {
        ran ||= job.state === 'running';
        const startDeadline = ran ? Infinity : startedAtMs + plan.startTimeoutMs;
        const waitMs = Math.max(0, Math.min(job.nextCheckMs, startDeadline - Date.now()));
        const seen = job.observation;
        const woken = await condition(() => signalled > seen || stopWanted() || restartWanted, waitMs, {
          summary: `${plan.stream} is ${job.state}`,
        });
        if (woken && signalled > seen) job = show(await quick.acknowledgeJob({ key: job.key, observation: signalled }));
        else if (!woken && Date.now() >= startDeadline) {
          job = show(await engine.cancelJob({ key: job.key }));
          job = { ...job, state: 'failed', reason: `did not start within ${plan.startTimeoutMs / 1000} s` };
        } else if (!woken) job = show(await engine.askJob({ key: job.key }));
        // A wish that came meanwhile is fulfilled by this run: the next one would begin with the loop's head.
        const undisturbed = !stopWanted() && !restartWanted && !isTerminalState(job.state);
        if (undisturbed && workflowInfo().continueAsNewSuggested && allHandlersFinished()) await continueAsNewWith(job);
      }
      const asked = stopWanted() || restartWanted;
      if (!isTerminalState(job.state)) {
        job = show(await engine.cancelJob.executeWithOptions({ summary: `stop ${plan.stream}` }, [{ key: job.key }]));
      }
      const reason = job.reason ?? (asked ? 'asked to stop' : `${plan.engine} says ${job.nativeState}`);
      await quick.settleJob({
        key: job.key,
        outcome: asked ? 'cancelled' : job.state === 'succeeded' ? 'succeeded' : 'failed',
        reason,
        submissions: submission,
      });
      open = undefined;
      if (stopWanted()) break;
      if (restartWanted) continue;
      const now = Date.now();
      restartsAtMs = withinWindow([...restartsAtMs, now], now, plan.restart.windowMs);
      state.restartsInWindow = restartsAtMs.length;
      if (restartsAtMs.length > plan.restart.attempts) {
        throw fail(
          'JOB_FAILED_PLATFORM',
          `${plan.stream}: ${restartsAtMs.length} failures within ${plan.restart.windowMs / 60_000} min, no further restart: ${reason}`,
        );
      }
      const delay = restartDelayMs(plan.restart, restartsAtMs.length);
      state.reason = reason;
      setCurrentDetails(streamDetails(state));
      await condition(() => stopWanted() || restartWanted, delay, {
        summary: `restart in ${delay / 1000} s: ${reason}`,
      });
    }
  } catch (error) {
    if (error instanceof Error && error.name === 'ContinueAsNew') throw error;
    const cancelled = wasCancelled(error);
    const reason = cancelled ? 'the supervisor was cancelled' : readableCause(error).message;
    const key = open;
    if (key !== undefined) {
      await CancellationScope.nonCancellable(async () => {
        try {
          show(await engine.cancelJob({ key }));
        } finally {
          const outcome = cancelled ? 'cancelled' : 'failed';
          await quick.settleJob({ key, outcome, reason, submissions: state.submission });
        }
      });
    }
    state.reason = reason;
    throw cancelled ? asCancellation(error) : error;
  }
  state.state = 'cancelled';
  await condition(allHandlersFinished);
  return { stopped: true, submissions: state.submission };

  async function continueAsNewWith(job: JobSnapshot): Promise<never> {
    const carry: StreamCarry = {
      plan,
      generation: state.generation,
      submission: state.submission,
      key: job.key,
      observation: job.observation,
      restartsAtMs,
      wish: state.wish,
      ...(restoreFrom ? { restoreFrom } : {}),
    };
    return continueAsNew<typeof streamSupervisor>({ pipeline: input.pipeline, stream: input.stream, carry });
  }
}
