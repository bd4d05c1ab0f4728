/** One facade over Temporal and Postgres; the command line, the demo and later the API call it and nothing else. */
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { isSluiceError, SluiceError } from '../infra/errors.js';
import { MAX_INPUT_BYTES, type PipelineRunInput } from '../workflows/contracts/inputs.js';
import { reconcileWorkflowId, runWorkflowId, streamWorkflowId, syncWorkflowId } from '../workflows/contracts/ids.js';
import type { RunProgress } from '../workflows/contracts/messages.js';
import type { ReconcileInput, ReconcileResult } from '../workflows/contracts/reconcile.js';
import { SluicePartition, SluicePipeline, SluiceTrigger } from '../workflows/contracts/search-attributes.js';
import { CONTROL_QUEUE } from '../workflows/contracts/task-queues.js';
import { within } from './questions.js';
import { failureOf, type RunFailure } from './run-failure.js';
import { createStreamControl, type StreamControl } from './stream-control.js';

export interface StartedRun {
  workflowId: string;
  runId: string;
}

export type RunOutcome = { ok: true; result: unknown } | { ok: false; failure: RunFailure };

export interface Control extends StreamControl {
  /** Refuses inputs over 256 KiB and a partition that is running already (ALREADY_RUNNING names it). */
  startRun(input: PipelineRunInput): Promise<StartedRun>;
  /** Like `startRun`, but takes the open run of the same pipeline and partition if there is one. */
  startOrJoinRun(input: PipelineRunInput): Promise<StartedRun & { joined: boolean }>;
  /** Waits for the end; calls `onProgress` when what the run says of itself changed. */
  waitRun(run: StartedRun, onProgress?: (progress: RunProgress) => void): Promise<RunOutcome>;
  /** Starts the supervisor unless it runs; true when this call started it. */
  ensureStream(pipeline: string, stream: string, how?: { fresh: boolean }): Promise<boolean>;
  /** Status of a sync's workflow in Temporal, lower case, or `not started`. */
  syncState(pipeline: string, table: string): Promise<string>;
  /** Status of a run's workflow in Temporal, lower case; `closed` when its id was used again, `gone` after retention. */
  runStatus(workflowId: string, firstRunId: string): Promise<string>;
  ensureSync(pipeline: string, table: string): Promise<boolean>;
  /** One pass over a cluster, beside those of the schedule; ALREADY_RUNNING while another one that was asked for runs. */
  reconcile(input: ReconcileInput): Promise<{ ok: true; result: ReconcileResult } | { ok: false; failure: RunFailure }>;
}

/** What the id may hold: a request that cannot be right still gets a readable id, and fails in its first activity. */
const idPart = (value: unknown): string =>
  typeof value === 'string' && value !== '' ? value.slice(0, 100) : 'invalid';

export function createControl(client: Client): Control {
  const ensure = async (type: string, workflowId: string, args: unknown[], summary: string): Promise<boolean> => {
    try {
      await client.workflow.start(type, {
        workflowId,
        taskQueue: CONTROL_QUEUE,
        args,
        workflowIdConflictPolicy: 'FAIL',
        staticSummary: summary,
      });
      return true;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
      throw error;
    }
  };

  const control: Control = {
    ...createStreamControl(client),

    async startOrJoinRun(input) {
      try {
        return { ...(await control.startRun(input)), joined: false };
      } catch (error) {
        if (!isSluiceError(error, 'ALREADY_RUNNING')) throw error;
        const workflowId = runWorkflowId(input.pipeline, input.partition);
        const { runId } = await client.workflow.getHandle(workflowId).describe();
        return { workflowId, runId, joined: true };
      }
    },

    async startRun(input) {
      const bytes = Buffer.byteLength(JSON.stringify(input));
      if (bytes > MAX_INPUT_BYTES) {
        throw new SluiceError(
          'INVALID_REQUEST',
          `the input has ${bytes} bytes; at most ${MAX_INPUT_BYTES} are allowed`,
        );
      }
      const workflowId = runWorkflowId(idPart(input.pipeline), idPart(input.partition));
      try {
        const handle = await client.workflow.start('pipelineRun', {
          workflowId,
          taskQueue: CONTROL_QUEUE,
          args: [input],
          workflowIdConflictPolicy: 'FAIL',
          staticSummary: `${idPart(input.pipeline)} ${idPart(input.partition)}`,
          typedSearchAttributes: [
            { key: SluicePipeline, value: idPart(input.pipeline) },
            { key: SluicePartition, value: idPart(input.partition) },
            { key: SluiceTrigger, value: input.trigger ?? 'api' },
          ],
        });
        return { workflowId, runId: handle.firstExecutionRunId };
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) {
          throw new SluiceError('ALREADY_RUNNING', `ALREADY_RUNNING ${workflowId}: wait for it, or cancel it first`, {
            cause: error,
          });
        }
        throw error;
      }
    },

    async waitRun(run, onProgress) {
      const handle = client.workflow.getHandle(run.workflowId, run.runId);
      let open = true;
      const watch = async (): Promise<void> => {
        let last = '';
        while (open && onProgress) {
          const progress = await handle.query<RunProgress>('progress').catch(() => undefined);
          const text = JSON.stringify(progress);
          if (progress && text !== last) onProgress(progress);
          last = text;
          await new Promise((resolve) => setTimeout(resolve, 1_000));
        }
      };
      const watching = watch();
      try {
        return { ok: true, result: await handle.result() };
      } catch (error) {
        if (error instanceof WorkflowFailedError) return { ok: false, failure: failureOf(error) };
        throw error;
      } finally {
        open = false;
        await watching;
      }
    },

    ensureStream: (pipeline, stream, how) =>
      ensure(
        'streamSupervisor',
        streamWorkflowId(pipeline, stream),
        [{ pipeline, stream, ...(how?.fresh ? { fresh: true } : {}) }],
        `keeps ${pipeline}/${stream} running`,
      ),

    async syncState(pipeline, table) {
      try {
        const { status } = await within(client, () =>
          client.workflow.getHandle(syncWorkflowId(pipeline, table)).describe(),
        );
        return status.name.toLowerCase();
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return 'not started';
        throw error;
      }
    },

    async runStatus(workflowId, firstRunId) {
      try {
        const found = await within(client, () => client.workflow.getHandle(workflowId).describe());
        const same = found.raw.workflowExecutionInfo?.firstRunId === firstRunId;
        return same ? found.status.name.toLowerCase() : 'closed';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return 'gone';
        throw error;
      }
    },

    async reconcile(input) {
      const workflowId = reconcileWorkflowId(input.cluster);
      try {
        const result = (await client.workflow.execute('reconcile', {
          workflowId,
          taskQueue: CONTROL_QUEUE,
          args: [input],
          workflowIdConflictPolicy: 'FAIL',
          // Without a worker the pass would wait for one and surprise whoever has long gone.
          workflowExecutionTimeout: '15m',
          staticSummary: `reconcile ${input.cluster} by hand`,
        })) as ReconcileResult;
        return { ok: true, result };
      } catch (error) {
        if (error instanceof WorkflowFailedError) return { ok: false, failure: failureOf(error) };
        if (error instanceof WorkflowExecutionAlreadyStartedError) {
          throw new SluiceError('ALREADY_RUNNING', `ALREADY_RUNNING ${workflowId}: wait for it, or cancel it first`);
        }
        throw error;
      }
    },

    ensureSync: (pipeline, table) =>
      ensure(
        'curatedSync',
        syncWorkflowId(pipeline, table),
        [{ pipeline, table }],
        `result topic into curated.${table}`,
      ),
  };
  return control;
}
