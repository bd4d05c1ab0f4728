/** `pipelineRun`: one pipeline for one partition; stages in DAG order, gate, publish, compare, lineage. */
import {
  CancellationScope,
  condition,
  ParentClosePolicy,
  setCurrentDetails,
  setHandler,
  sleep,
  startChild,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { engineJobWorkflowId } from './contracts/ids.js';
import {
  pauseSignal,
  progressQuery,
  resumeSignal,
  stageStartedSignal,
  type RunProgress,
} from './contracts/messages.js';
import type { CompareTablesResult, PublishTableResult, Verdict } from './contracts/curated.js';
import type { RunPlan, StageResult } from './contracts/plans.js';
import {
  SluiceEngine,
  SluicePartition,
  SluicePipeline,
  SluiceState,
  SluiceTrigger,
} from './contracts/search-attributes.js';
import { engineJob } from './engine-job.js';
import { quick, sink } from './steps/activity-options.js';
import { asCancellation, wasCancelled } from './steps/cancellation.js';
import { runSteps } from './steps/dag.js';
import { readableCause } from './steps/failures.js';
import { publishFromStage } from './steps/publish.js';
import { runDetails } from './steps/run-details.js';
import { onceFree } from './steps/stage-job.js';
import { worstVerdict } from './steps/verdicts.js';

/** How long a run waits for days that a run of another shape (range against day) holds. */
const CLAIM_WAIT_MS = 10 * 60_000;
const CLAIM_RETRY_MS = 5_000;

export interface PipelineRunResult {
  pipeline: string;
  partition: string;
  verdict: Verdict;
  stages: StageResult[];
  tables: PublishTableResult[];
  comparisons: CompareTablesResult[];
}

export async function pipelineRun(input: unknown): Promise<PipelineRunResult> {
  const info = workflowInfo();
  const owner = { workflowId: info.workflowId, firstRunId: info.firstExecutionRunId };
  const progress: RunProgress = { state: 'resolving', paused: false, stages: {}, tables: {} };
  const links = new Map<string, { engine: string; engineJobId: string; link?: string }>();
  let known: RunPlan | undefined = undefined;
  const show = (): void => setCurrentDetails(runDetails(known, progress, links));
  const enter = (state: string): void => {
    progress.state = state;
    upsertSearchAttributes([{ key: SluiceState, value: state }]);
    show();
  };
  setHandler(progressQuery, () => progress);
  setHandler(pauseSignal, () => {
    progress.paused = true;
    show();
  });
  setHandler(resumeSignal, () => {
    progress.paused = false;
    show();
  });
  setHandler(stageStartedSignal, (started) => {
    links.set(started.stage, started);
    progress.stages[started.stage] = `running (submission ${started.submission})`;
    upsertMemo({ [`stage ${started.stage}`]: `${started.engine} ${started.engineJobId} ${started.link ?? ''}`.trim() });
    show();
  });
  const unpaused = (): Promise<void> => condition(() => !progress.paused);

  // Not cancellable: once the run is recorded, only `finishRun` below may end it.
  const plan = await CancellationScope.nonCancellable(() =>
    quick.resolveRun.executeWithOptions({ summary: 'resolve the request' }, [{ input, owner, runId: info.runId }]),
  );
  known = plan;
  const { run } = plan;
  upsertSearchAttributes([
    { key: SluicePipeline, value: run.pipeline },
    { key: SluicePartition, value: run.partition },
    { key: SluiceTrigger, value: run.trigger },
    { key: SluiceEngine, value: [...new Set(plan.stages.map((stage) => stage.engine))].join(',') },
  ]);
  upsertMemo({ pipeline: run.pipeline, partition: run.partition, specHash: run.specHash, owner: plan.owner });

  const result: PipelineRunResult = {
    pipeline: run.pipeline,
    partition: run.partition,
    verdict: 'pass',
    stages: [],
    tables: [],
    comparisons: [],
  };
  try {
    enter('claiming');
    const fence = await claim(plan);
    enter('running');
    await runSteps(
      plan.stages.map((stage) => ({
        name: stage.name,
        dependsOn: stage.dependsOn,
        run: async () => {
          await unpaused();
          progress.stages[stage.name] = 'starting';
          show();
          const workflowId = engineJobWorkflowId(info.workflowId, stage.name);
          const job = await onceFree(
            workflowId,
            () =>
              startChild(engineJob, {
                workflowId,
                args: [{ run, stage, upstream: manifestsOf(stage.dependsOn, result.stages) }],
                parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
                staticSummary: `${stage.name} on ${stage.engine} for ${run.partition}`,
                typedSearchAttributes: [
                  { key: SluicePipeline, value: run.pipeline },
                  { key: SluicePartition, value: run.partition },
                  { key: SluiceEngine, value: stage.engine },
                  { key: SluiceTrigger, value: run.trigger },
                ],
              }),
            (note) => {
              if (note === undefined) delete progress.note;
              else progress.note = note;
              show();
            },
          );
          const done = await job.result();
          progress.stages[stage.name] =
            `succeeded (${done.submissions} submission${done.submissions === 1 ? '' : 's'})`;
          result.stages.push(done);
          for (const table of plan.tables.filter((candidate) => candidate.stage === stage.name)) {
            await unpaused();
            const outcome = await publishFromStage(plan, table, done, fence, (step) => {
              progress.tables[table.table] = step;
              show();
            });
            result.tables.push(outcome.published);
            result.verdict = worstVerdict(result.verdict, outcome.checks.verdict);
          }
        },
      })),
    );
    enter('comparing');
    for (const { table, check } of plan.comparisons) {
      const compared = await sink.compareTables.executeWithOptions({ summary: `${table}: compare engines` }, [
        { run, table, check },
      ]);
      result.comparisons.push(compared);
      // `empty` means the other engine has not got there yet; that is said in the result and is no verdict on this run.
      if (compared.verdict !== 'empty') result.verdict = worstVerdict(result.verdict, compared.verdict);
    }
    await quick.finishRun.executeWithOptions({ summary: 'record success' }, [
      { run, outcome: 'succeeded', verdict: result.verdict },
    ]);
    enter('succeeded');
    return result;
  } catch (error) {
    const cancelled = wasCancelled(error);
    await CancellationScope.nonCancellable(async () => {
      const cause = readableCause(error);
      progress.note = cancelled ? 'cancelled' : `${cause.code}: ${cause.message}`;
      await quick.finishRun.executeWithOptions({ summary: cancelled ? 'record cancel' : 'record failure' }, [
        {
          run,
          outcome: cancelled ? 'cancelled' : 'failed',
          message: progress.note,
          verdict: result.verdict,
          ...(typeof cause.details['check'] === 'string' ? { failedCheck: cause.details['check'] } : {}),
        },
      ]);
      enter(cancelled ? 'cancelled' : 'failed');
    });
    throw cancelled ? asCancellation(error) : error;
  }

  function manifestsOf(stages: readonly string[], done: readonly StageResult[]): Record<string, string> {
    return Object.fromEntries(done.filter((one) => stages.includes(one.stage)).map((one) => [one.stage, one.manifest]));
  }

  /** Takes all days of the run; waits while a run of another shape holds some; whoever asks first after they are free gets them. */
  async function claim(resolved: RunPlan): Promise<number> {
    const giveUpAt = Date.now() + CLAIM_WAIT_MS;
    for (;;) {
      const claimed = await quick.claimPartition.executeWithOptions({ summary: `claim ${resolved.run.partition}` }, [
        { run: resolved.run, lastTry: Date.now() >= giveUpAt },
      ]);
      if (claimed.granted) {
        delete progress.note;
        return claimed.fence;
      }
      progress.note = `waiting for ${claimed.busyWith}, which holds ${claimed.firstBusyDay}`;
      show();
      await sleep(CLAIM_RETRY_MS, { summary: progress.note });
    }
  }
}
