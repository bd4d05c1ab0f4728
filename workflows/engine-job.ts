/** `engineJob`: one stage's engine job; submits under a key decided first, waits for signals, classifies, retries. */
import {
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  patched,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { JobSnapshot } from './contracts/activities.js';
import type { EngineJobInput } from './contracts/inputs.js';
import { jobChangedSignal, jobQuery, stageStartedSignal, type EngineJobView } from './contracts/messages.js';
import type { StageResult } from './contracts/plans.js';
import { SluiceEngine, SluiceState } from './contracts/search-attributes.js';
import { onEngine, quick } from './steps/activity-options.js';
import { asCancellation, wasCancelled } from './steps/cancellation.js';
import { inRounds, mayStillRun, STOP_MS, stopJob, type Rounds, type Stop } from './steps/engine-calls.js';
import { fail, readableCause } from './steps/failures.js';
import { requireEngineJob } from './steps/inputs.js';
import { backoffMs, isTerminalState, isUnreachable, nextMemoryFactor, resubmitHelps } from './steps/job-rules.js';
import { describeJob, failureCode, rememberEnd } from './steps/job-view.js';

/** An engine that answered a moment ago that it does not know the job needs no longer to end it. */
const LOST_STOP_MS = 30_000;

export async function engineJob(input: EngineJobInput): Promise<StageResult> {
  requireEngineJob(input);
  const { stage, run, upstream = {} } = input;
  const info = workflowInfo();
  const owner = { workflowId: info.workflowId, firstRunId: info.firstExecutionRunId };
  const engine = onEngine(stage.engine, stage.cluster);
  const view: EngineJobView = {
    stage: stage.name,
    engine: stage.engine,
    submission: 0,
    attempts: stage.retry.attempts,
    memoryFactor: input.carry?.memoryFactor ?? 1,
    state: 'preparing',
    ...(input.carry?.earlier === undefined ? {} : { earlier: input.carry.earlier }),
  };
  let signalled = input.carry?.observation ?? 0;

  setHandler(jobQuery, () => view);
  setHandler(jobChangedSignal, (change) => {
    if (change.key === view.key) signalled = Math.max(signalled, change.observation);
  });

  const show = (job: JobSnapshot): JobSnapshot => {
    const changed = view.state !== job.state;
    view.state = job.state;
    if (job.engineJobId) view.engineJobId = job.engineJobId;
    if (job.link) view.link = job.link;
    if (job.reason) view.reason = job.reason;
    if (changed) upsertSearchAttributes([{ key: SluiceState, value: job.state }]);
    setCurrentDetails(describeJob(view, info.workflowId));
    return job;
  };
  upsertSearchAttributes([{ key: SluiceEngine, value: stage.engine }]);

  /** How long the engine is called before the call counts as failed. */
  const callsUntil = (giveUpAtMs: number): Rounds => ({
    engine: stage.engine,
    cluster: stage.cluster,
    giveUpAtMs: () => giveUpAtMs,
    onWait: (reason) => {
      view.reason = reason;
      setCurrentDetails(describeJob(view, info.workflowId));
    },
  });

  /** Ends the engine job; what cannot be confirmed within the time is said, not thrown. */
  const stop = async (key: string, reason: string, withinMs = STOP_MS): Promise<Stop> => {
    const summary = `stop ${key.slice(0, 8)}: ${reason}`.slice(0, 150);
    const stopped = await stopJob(callsUntil(Date.now() + withinMs), (options) =>
      engine.cancelJob.executeWithOptions({ ...options, summary }, [{ key }]),
    );
    if (stopped.job) show(stopped.job);
    return stopped;
  };
  const unconfirmed = ({ unconfirmed: why }: Stop, key: string): string | undefined =>
    why === undefined ? undefined : mayStillRun(stage.engine, view.engineJobId ?? key, why);

  /** Ends the job even while this workflow is being cancelled; the returned line says what may still run. */
  const stopAndSettle = (
    key: string,
    outcome: 'failed' | 'cancelled',
    reason: string,
    withinMs?: number,
  ): Promise<string | undefined> =>
    CancellationScope.nonCancellable(async () => {
      const left = unconfirmed(await stop(key, reason, withinMs), key);
      const whole = left === undefined ? reason : `${reason}; ${left}`;
      await quick.settleJob({ key, outcome, reason: whole, submissions: view.submission });
      return left;
    });

  /** A job that its stage wants left alone outlives its cancelled run; the book says so. */
  const endCancelled = async (key: string): Promise<void> => {
    if (stage.onCancel !== 'leave') return void (await stopAndSettle(key, 'cancelled', 'the run was cancelled'));
    const reason = `the run was cancelled; ${stage.engine} id ${view.engineJobId ?? key} is left running as declared`;
    await CancellationScope.nonCancellable(() =>
      quick.settleJob({ key, outcome: 'cancelled', reason, submissions: view.submission }),
    );
  };

  for (let submission = input.carry?.submission ?? 1; ; submission += 1) {
    const resumed = input.carry?.submission === submission ? input.carry : undefined;
    view.submission = submission;
    delete view.engineJobId;
    if (!resumed) signalled = 0;
    /** Submission whose book is not closed yet. */
    let open = resumed?.key;
    const startedAtMs = resumed?.startedAtMs ?? Date.now();
    let ranAtMs = resumed?.ranAtMs;
    const deadlineMs = (): number =>
      startedAtMs + (ranAtMs === undefined ? Math.min(stage.startTimeoutMs, stage.timeoutMs) : stage.timeoutMs);
    let job: JobSnapshot;
    let over: OutOfTime | undefined;
    try {
      const prepared = await quick.prepareSubmission.executeWithOptions(
        { summary: `submission ${submission} of ${stage.name}` },
        [{ owner, submission, memoryFactor: view.memoryFactor, target: { kind: 'stage', run, stage, upstream } }],
      );
      const { key } = prepared;
      open = view.key = key;
      job = show(
        await inRounds(callsUntil(deadlineMs()), (options) =>
          engine.submitJob.executeWithOptions({ ...options, summary: `submit ${stage.name} to ${stage.cluster}` }, [
            { key },
          ]),
        ),
      );
      if (info.parent && job.engineJobId && !resumed) {
        const started = { stage: stage.name, engine: stage.engine, submission, engineJobId: job.engineJobId };
        await getExternalWorkflowHandle(info.parent.workflowId, info.parent.runId)
          .signal(stageStartedSignal, job.link ? { ...started, link: job.link } : started)
          // The run may just have ended; the job is then cancelled by the close policy, not by this signal.
          .catch(() => undefined);
      }
      while (over === undefined && !isTerminalState(job.state) && !isUnreachable(job)) {
        if (job.state === 'running' || job.state === 'restarting') ranAtMs ??= Date.now();
        const waitMs = Math.max(0, Math.min(job.nextCheckMs, deadlineMs() - Date.now()));
        const seen = job.observation;
        const heard = await condition(() => signalled > seen, waitMs, {
          summary: `waiting for ${stage.engine} ${job.engineJobId ?? key.slice(0, 8)}`,
        });
        if (heard) job = show(await quick.acknowledgeJob({ key, observation: signalled }));
        else if (Date.now() < deadlineMs()) job = await ask(job, deadlineMs());
        else over = await outOfTime(job, ranAtMs === undefined);
        if (over === undefined && !isTerminalState(job.state) && workflowInfo().continueAsNewSuggested) {
          const { memoryFactor, earlier } = view;
          const carry = { submission, key, observation: signalled, startedAtMs, memoryFactor };
          await continueAsNew<typeof engineJob>({
            run,
            stage,
            upstream,
            carry: {
              ...carry,
              ...(ranAtMs === undefined ? {} : { ranAtMs }),
              ...(earlier === undefined ? {} : { earlier }),
            },
          });
        }
      }
    } catch (error) {
      if (error instanceof Error && error.name === 'ContinueAsNew') throw error;
      if (wasCancelled(error)) {
        if (open !== undefined) await endCancelled(open);
        throw asCancellation(error);
      }
      if (open === undefined) throw error;
      const cause = readableCause(error);
      // Nobody served the queue for as long as a start may take: the stop is not given more than that either.
      const left = await stopAndSettle(open, 'failed', cause.message, Math.min(STOP_MS, stage.startTimeoutMs));
      throw fail(cause.code, `${stage.name}: ${cause.message}${left === undefined ? '' : `; ${left}`}`);
    }
    if (over) job = over.job;
    const { key } = job;
    if (isUnreachable(job)) {
      // Nobody can say what it does, so nothing is submitted beside it and nothing called failed that may be well.
      const id = job.engineJobId ?? key;
      const reason = `${job.reason ?? 'status unknown'}: ${stage.engine} id ${id} may still run`;
      await quick.settleJob({ key, outcome: 'failed', reason, submissions: submission });
      throw fail('JOB_STATUS_UNKNOWN', `${stage.name}: ${reason}`, { key, engineJobId: id, link: job.link ?? null });
    }

    if (job.state === 'succeeded') {
      const result = await quick.settleJob({ key, outcome: 'succeeded', submissions: submission });
      if (result) return result;
    }
    const says = `${stage.engine} says ${job.nativeState}`;
    const reason = job.state === 'succeeded' ? `${says}, but the job left no manifest` : (job.reason ?? says);
    await quick.settleJob({
      key,
      outcome: job.state === 'cancelled' ? 'cancelled' : 'failed',
      reason,
      submissions: submission,
    });
    if (over?.isFinal || !resubmitHelps(job, stage.retry) || submission >= stage.retry.attempts) {
      throw fail(failureCode(job), `${stage.name}: ${reason} (submission ${submission} of ${stage.retry.attempts})`, {
        key,
        engineJobId: job.engineJobId ?? null,
        link: job.link ?? null,
      });
    }
    // The engine has forgotten it; should it remember, nothing may run beside the next submission.
    if (job.state === 'lost' && patched('lost-is-ended')) {
      const last = await stop(key, 'it was lost', LOST_STOP_MS);
      const lives = last.job && last.unconfirmed !== undefined;
      if (lives) throw fail('JOB_STATUS_UNKNOWN', `${stage.name}: ${reason}; ${unconfirmed(last, key)}`, { key });
    }
    rememberEnd(view, reason, job.blame);
    view.memoryFactor = nextMemoryFactor(view.memoryFactor, job.outOfMemory === true, stage.retry);
    await sleep(backoffMs(stage.retry, submission), {
      summary: `before submission ${submission + 1}: ${reason}`.slice(0, 150),
    });
  }

  /** The safety check. An engine that is away now is asked again next time, up to the job's own limit. */
  async function ask(job: JobSnapshot, deadline: number): Promise<JobSnapshot> {
    const rounds = { ...callsUntil(deadline), once: true };
    try {
      return show(await inRounds(rounds, (options) => engine.askJob.executeWithOptions(options, [{ key: job.key }])));
    } catch (error) {
      // Whatever a question fails with says nothing about the job.
      if (wasCancelled(error)) throw error;
      rounds.onWait(readableCause(error).message);
      return job;
    }
  }

  async function outOfTime(job: JobSnapshot, neverRan: boolean): Promise<OutOfTime> {
    const why = neverRan
      ? `did not start within ${Math.round(stage.startTimeoutMs / 1000)} s${job.reason ? ` (${job.reason})` : ''}`
      : `ran longer than its timeout of ${Math.round(stage.timeoutMs / 1000)} s`;
    const stopped = await stop(job.key, why);
    const last = stopped.job ?? job;
    const left = unconfirmed(stopped, job.key);
    // It ended by itself meanwhile: that is how it ended.
    if (left === undefined && isTerminalState(last.state) && last.state !== 'cancelled') {
      return { job: last, isFinal: false };
    }
    const reason = left === undefined ? why : `${why}; ${left}`;
    return {
      job: { ...last, state: 'failed', reason, blame: neverRan ? 'resources' : 'platform' },
      // What had its time had it, and nothing is started beside a job that may live.
      isFinal: !neverRan || left !== undefined,
    };
  }
}

/** How a job that had its time ended; `isFinal` = another submission must not follow. */
interface OutOfTime {
  job: JobSnapshot;
  isFinal: boolean;
}
