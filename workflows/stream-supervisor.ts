/** `streamSupervisor`: keeps one stream running; start, health, restart within a budget, stop; continues as new. */
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  patched,
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
import { inRounds, mayStillRun, STOP_MS, stopJob, type Rounds } from './steps/engine-calls.js';
import { fail, readableCause } from './steps/failures.js';
import { requireTexts } from './steps/inputs.js';
import { isTerminalState } from './steps/job-rules.js';
import { restartDelayMs, withinWindow } from './steps/restart-budget.js';
import { streamDetails } from './steps/stream-details.js';

/** A restart waits longer for the end of the old job than a stop does: an engine that is away comes back. */
const RESTART_STOP_MS = 3_600_000;
/** A savepoint of large state takes its time. */
const SAVEPOINT_STOP_MS = 30 * 60_000;

export interface StreamSupervisorResult {
  stopped: true;
  submissions: number;
  /** Savepoint or checkpoint that holds the state at its end, as far as the engine has told. */
  restorePoint?: string;
}

export async function streamSupervisor(input: StreamSupervisorInput): Promise<StreamSupervisorResult> {
  requireTexts(input, ['pipeline', 'stream'], '{"pipeline":"top-sales-per-city","stream":"live"}');
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
  const engine = onEngine(plan.engine, plan.cluster);
  let restartsAtMs = input.carry?.restartsAtMs ?? [];
  let restoreFrom = input.carry?.restoreFrom;
  let resuming = input.carry?.key !== undefined;
  /** When the engine ended the stream although nobody asked for it: restarts are spread, but are no failures. */
  let endedAtMs: number[] = [];
  /** Key of the submission whose book is not closed yet. */
  let open = input.carry?.key;

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

  const callsUntil = (giveUpAtMs: () => number): Rounds => ({
    engine: plan.engine,
    cluster: plan.cluster,
    giveUpAtMs,
    onWait: (reason) => {
      state.reason = reason;
      setCurrentDetails(streamDetails(state));
    },
  });

  /** Submits for as long as it takes; undefined when `stop` broke it off. */
  const submit = async (key: string): Promise<JobSnapshot | undefined> => {
    const scope = new CancellationScope();
    let over = false;
    const call = scope
      .run(() =>
        inRounds(
          callsUntil(() => Infinity),
          (options) =>
            engine.submitJob.executeWithOptions({ ...options, summary: `start ${plan.stream} on ${plan.cluster}` }, [
              { key },
            ]),
        ),
      )
      .finally(() => {
        over = true;
      });
    // Its failure is read below; meanwhile it must not count as unhandled.
    call.catch(() => undefined);
    try {
      await condition(() => over || stopWanted());
    } catch (error) {
      // Cancelled: only when the call is over is it known whether there is a job to end.
      if (patched('submit-awaited-on-cancel')) {
        const made = await call.catch(() => undefined);
        if (made) show(made);
      }
      throw error;
    }
    if (!over) scope.cancel();
    try {
      return show(await call);
    } catch (error) {
      // Whatever the attempt failed with that the stop broke off: the job, if there is one, is ended next.
      const brokenOff = stopWanted() && scope.consideredCancelled;
      if (brokenOff && !CancellationScope.current().consideredCancelled) return undefined;
      throw error;
    }
  };

  /** How the job ends when the stream ends for good; what is only restarted goes on from its newest checkpoint. */
  const stopMs = plan.onCancel === 'savepoint-and-stop' ? SAVEPOINT_STOP_MS : STOP_MS;
  const ending = (key: string): Parameters<typeof engine.cancelJob>[0] => {
    const last = stopWanted() || CancellationScope.current().consideredCancelled;
    return last && plan.onCancel === 'savepoint-and-stop' ? { key, how: plan.onCancel } : { key };
  };

  /** Ends the job, confirmed; a living job must never get a twin, so otherwise the supervisor fails and says so. */
  const stopConfirmed = async (key: string, why: string): Promise<JobSnapshot> => {
    const since = Date.now();
    const stopped = await stopJob(
      callsUntil(() => since + (stopWanted() ? stopMs : RESTART_STOP_MS)),
      (options) => engine.cancelJob.executeWithOptions({ ...options, summary: why.slice(0, 150) }, [ending(key)]),
    );
    if (stopped.job) show(stopped.job);
    if (stopped.unconfirmed === undefined) return stopped.job;
    const left = mayStillRun(plan.engine, state.engineJobId ?? key, stopped.unconfirmed);
    await quick.settleJob({ key, outcome: 'failed', reason: `${why}; ${left}`, submissions: state.submission });
    open = undefined;
    throw fail('JOB_STATUS_UNKNOWN', `${plan.stream}: ${why}; ${left}`);
  };

  try {
    while (!stopWanted()) {
      // What is wished for from here on means the submission that is about to be made.
      restartWanted = false;
      if (!resuming) {
        state.submission += 1;
        delete state.engineJobId;
      }
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
            ...(input.fresh === true ? { fresh: true } : {}),
          },
        ],
      );
      state.key = prepared.key;
      open = prepared.key;
      signalled = resuming ? (input.carry?.observation ?? 0) : 0;
      resuming = false;
      let job = (await submit(prepared.key)) ?? prepared;
      const startedAtMs = Date.now();
      let ran = job.state === 'running';
      let late: string | undefined;
      while (late === undefined && !isTerminalState(job.state) && !stopWanted() && !restartWanted) {
        ran ||= job.state === 'running';
        const startDeadline = ran ? Infinity : startedAtMs + plan.startTimeoutMs;
        const waitMs = Math.max(0, Math.min(job.nextCheckMs, startDeadline - Date.now()));
        const seen = job.observation;
        const woken = await condition(() => signalled > seen || stopWanted() || restartWanted, waitMs, {
          summary: `${plan.stream} is ${job.state}`,
        });
        if (woken && signalled > seen) job = show(await quick.acknowledgeJob({ key: job.key, observation: signalled }));
        else if (!woken && Date.now() >= startDeadline) late = `did not start within ${plan.startTimeoutMs / 1000} s`;
        else if (!woken) job = await ask(job);
        // A wish that came meanwhile is fulfilled by this run: the next one would begin with the loop's head.
        const undisturbed = late === undefined && !stopWanted() && !restartWanted && !isTerminalState(job.state);
        if (undisturbed && workflowInfo().continueAsNewSuggested && allHandlersFinished()) await continueAsNewWith(job);
      }
      const asked = stopWanted() || restartWanted;
      const endedByItself = isTerminalState(job.state);
      if (!endedByItself) job = await stopConfirmed(job.key, late ?? `stop ${plan.stream}`);
      const unasked = endedByItself && !asked && job.state === 'cancelled';
      const reason = late ?? job.reason ?? (asked ? 'asked to stop' : `${plan.engine} says ${job.nativeState}`);
      await quick.settleJob({
        key: job.key,
        outcome: asked || unasked ? 'cancelled' : job.state === 'succeeded' ? 'succeeded' : 'failed',
        reason,
        submissions: submission,
      });
      open = undefined;
      if (stopWanted()) break;
      if (restartWanted) continue;
      const now = Date.now();
      if (unasked) endedAtMs = withinWindow([...endedAtMs, now], now, plan.restart.windowMs);
      else restartsAtMs = withinWindow([...restartsAtMs, now], now, plan.restart.windowMs);
      state.restartsInWindow = restartsAtMs.length;
      if (!unasked && restartsAtMs.length > plan.restart.attempts) {
        throw fail(
          'JOB_FAILED_PLATFORM',
          `${plan.stream}: ${restartsAtMs.length} failures within ${plan.restart.windowMs / 60_000} min, no further restart: ${reason}`,
        );
      }
      const delay = restartDelayMs(plan.restart, (unasked ? endedAtMs : restartsAtMs).length);
      state.reason = reason;
      setCurrentDetails(streamDetails(state));
      await condition(() => stopWanted() || restartWanted, delay, {
        summary: `restart in ${delay / 1000} s: ${reason}`.slice(0, 150),
      });
    }
  } catch (error) {
    if (error instanceof Error && error.name === 'ContinueAsNew') throw error;
    const cancelled = wasCancelled(error);
    const cause = readableCause(error);
    let reason = cancelled ? 'the supervisor was cancelled' : cause.message;
    const key = open;
    if (key !== undefined && cancelled && plan.onCancel === 'leave') {
      reason = `${reason}; ${plan.engine} id ${state.engineJobId ?? key} is left running as declared`;
      await CancellationScope.nonCancellable(() =>
        quick.settleJob({ key, outcome: 'cancelled', reason, submissions: state.submission }),
      );
    } else if (key !== undefined) {
      const how = ending(key);
      await CancellationScope.nonCancellable(async () => {
        const giveUpAtMs = Date.now() + stopMs;
        const stopped = await stopJob(
          callsUntil(() => giveUpAtMs),
          (options) => engine.cancelJob.executeWithOptions(options, [how]),
        );
        if (stopped.job) show(stopped.job);
        const { unconfirmed } = stopped;
        if (unconfirmed !== undefined) {
          reason = `${reason}; ${mayStillRun(plan.engine, state.engineJobId ?? key, unconfirmed)}`;
        }
        const outcome = cancelled ? 'cancelled' : 'failed';
        await quick.settleJob({ key, outcome, reason, submissions: state.submission });
      });
    }
    state.reason = reason;
    setCurrentDetails(streamDetails(state));
    if (cancelled) throw asCancellation(error);
    throw reason === cause.message ? error : fail(cause.code, reason);
  }
  state.state = 'cancelled';
  await condition(allHandlersFinished);
  return { stopped: true, submissions: state.submission, ...(restoreFrom ? { restorePoint: restoreFrom } : {}) };

  /** The safety check; an engine that is away is asked again next time. */
  async function ask(job: JobSnapshot): Promise<JobSnapshot> {
    const rounds = { ...callsUntil(() => Infinity), once: true };
    try {
      return show(await inRounds(rounds, (options) => engine.askJob.executeWithOptions(options, [{ key: job.key }])));
    } catch (error) {
      // Whatever a question fails with says nothing about the job.
      if (wasCancelled(error)) throw error;
      rounds.onWait(readableCause(error).message);
      return job;
    }
  }

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
    return continueAsNew<typeof streamSupervisor>({ ...input, carry });
  }
}
