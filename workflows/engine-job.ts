/** `engineJob`: one stage's engine job; submits under a key decided first, waits for signals, classifies, retries. */
import {
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
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
import { fail, readableCause } from './steps/failures.js';
import { backoffMs, isTerminalState, nextMemoryFactor, resubmitHelps } from './steps/job-rules.js';

export async function engineJob(input: EngineJobInput): Promise<StageResult> {
  const { stage, run, upstream = {} } = input;
  const info = workflowInfo();
  const owner = { workflowId: info.workflowId, firstRunId: info.firstExecutionRunId };
  const engine = onEngine(stage.engine, stage.cluster, stage.timeoutMs);
  const view: EngineJobView = { stage: stage.name, engine: stage.engine, submission: 0, state: 'preparing' };
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
    setCurrentDetails(describe(view));
    return job;
  };
  upsertSearchAttributes([{ key: SluiceEngine, value: stage.engine }]);

  /** Ends the engine job, confirmed, even while this workflow is being cancelled. */
  const stopAndSettle = (key: string, outcome: 'failed' | 'cancelled', reason: string): Promise<void> =>
    CancellationScope.nonCancellable(async () => {
      try {
        show(await engine.cancelJob.executeWithOptions({ summary: `stop ${key.slice(0, 8)}: ${reason}` }, [{ key }]));
      } finally {
        await quick.settleJob({ key, outcome, reason, submissions: view.submission });
      }
    });

  let memoryFactor = input.carry?.memoryFactor ?? 1;
  for (let submission = input.carry?.submission ?? 1; ; submission += 1) {
    const resumed = input.carry?.submission === submission ? input.carry : undefined;
    view.submission = submission;
    if (!resumed) signalled = 0;
    const prepared = await quick.prepareSubmission.executeWithOptions(
      { summary: `submission ${submission} of ${stage.name}` },
      [{ owner, submission, memoryFactor, target: { kind: 'stage', run, stage, upstream } }],
    );
    const { key } = prepared;
    view.key = key;
    const startedAtMs = resumed?.startedAtMs ?? Date.now();
    let job = prepared;
    try {
      job = show(
        await engine.submitJob.executeWithOptions({ summary: `submit ${stage.name} to ${stage.cluster}` }, [{ key }]),
      );
      if (info.parent && job.engineJobId && !resumed) {
        const started = { stage: stage.name, engine: stage.engine, submission, engineJobId: job.engineJobId };
        await getExternalWorkflowHandle(info.parent.workflowId, info.parent.runId)
          .signal(stageStartedSignal, job.link ? { ...started, link: job.link } : started)
          // The run may just have ended; the job is then cancelled by the close policy, not by this signal.
          .catch(() => undefined);
      }
      let ranAt: number | undefined;
      while (!isTerminalState(job.state)) {
        if (job.state === 'running' || job.state === 'restarting') ranAt ??= Date.now();
        const deadline =
          startedAtMs + (ranAt === undefined ? Math.min(stage.startTimeoutMs, stage.timeoutMs) : stage.timeoutMs);
        const waitMs = Math.max(0, Math.min(job.nextCheckMs, deadline - Date.now()));
        const seen = job.observation;
        const heard = await condition(() => signalled > seen, waitMs, {
          summary: `waiting for ${stage.engine} ${job.engineJobId ?? key.slice(0, 8)}`,
        });
        if (heard) job = show(await quick.acknowledgeJob({ key, observation: signalled }));
        else if (Date.now() < deadline) job = show(await engine.askJob({ key }));
        else job = await outOfTime(job, ranAt === undefined);
        if (!isTerminalState(job.state) && workflowInfo().continueAsNewSuggested) {
          await continueAsNew<typeof engineJob>({
            run,
            stage,
            upstream,
            carry: { submission, key, observation: signalled, startedAtMs, memoryFactor },
          });
        }
      }
    } catch (error) {
      if (wasCancelled(error)) {
        await stopAndSettle(key, 'cancelled', 'the run was cancelled');
        throw asCancellation(error);
      }
      if (!isOwnFailure(error)) {
        const cause = readableCause(error);
        await stopAndSettle(key, 'failed', cause.message);
        throw fail(cause.code, `${stage.name}: ${cause.message}`);
      }
      throw error;
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
    if (!resubmitHelps(job) || submission >= stage.retry.attempts) {
      throw fail(failureCode(job), `${stage.name}: ${reason} (submission ${submission} of ${stage.retry.attempts})`, {
        key,
        engineJobId: job.engineJobId ?? null,
        link: job.link ?? null,
      });
    }
    memoryFactor = nextMemoryFactor(memoryFactor, job.outOfMemory === true);
    await sleep(backoffMs(stage.retry, submission), { summary: `before submission ${submission + 1}: ${reason}` });
  }

  async function outOfTime(job: JobSnapshot, neverRan: boolean): Promise<JobSnapshot> {
    const why = neverRan
      ? `did not start within ${Math.round(stage.startTimeoutMs / 1000)} s${job.reason ? ` (${job.reason})` : ''}`
      : `ran longer than its timeout of ${Math.round(stage.timeoutMs / 1000)} s`;
    const last = show(await engine.cancelJob.executeWithOptions({ summary: `stop: ${why}` }, [{ key: job.key }]));
    if (last.state === 'succeeded') return last;
    return { ...last, state: 'failed', reason: why, blame: neverRan ? 'resources' : 'platform' };
  }
}

const OWN_FAILURES = new Set(['JOB_FAILED_USER', 'JOB_FAILED_PLATFORM', 'JOB_NO_RESOURCES', 'JOB_LOST']);

function isOwnFailure(error: unknown): boolean {
  return error instanceof Error && error.name === 'ContinueAsNew' ? true : OWN_FAILURES.has(readableCause(error).code);
}

function failureCode(job: JobSnapshot): string {
  if (job.state === 'lost') return 'JOB_LOST';
  if (job.blame === 'resources') return 'JOB_NO_RESOURCES';
  return job.blame === 'user' || job.state === 'cancelled' ? 'JOB_FAILED_USER' : 'JOB_FAILED_PLATFORM';
}

function describe(view: EngineJobView): string {
  const lines = [
    `**${view.stage}** on **${view.engine}**, submission ${view.submission}: **${view.state}**`,
    view.engineJobId ? `engine id \`${view.engineJobId}\`` : undefined,
    view.link ? `[open in the engine](${view.link})` : undefined,
    view.reason,
  ];
  return lines.filter((line) => line !== undefined).join('\n\n');
}
