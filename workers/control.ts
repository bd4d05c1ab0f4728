/** One facade over Temporal and Postgres; the command line, the demo and later the API call it and nothing else. */
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { SluiceError } from '../infra/errors.js';
import { MAX_INPUT_BYTES, type PipelineRunInput } from '../workflows/contracts/inputs.js';
import { runWorkflowId, streamWorkflowId, syncWorkflowId } from '../workflows/contracts/ids.js';
import type { RunProgress } from '../workflows/contracts/messages.js';
import { SluicePartition, SluicePipeline, SluiceTrigger } from '../workflows/contracts/search-attributes.js';
import type { StreamState } from '../workflows/contracts/streams.js';
import { CONTROL_QUEUE } from '../workflows/contracts/task-queues.js';
import { failureOf, type RunFailure } from './run-failure.js';

export interface StartedRun {
  workflowId: string;
  runId: string;
}

export type RunOutcome = { ok: true; result: unknown } | { ok: false; failure: RunFailure };

export interface Control {
  /** Refuses inputs over 256 KiB and a partition that is running already (ALREADY_RUNNING names it). */
  startRun(input: PipelineRunInput): Promise<StartedRun>;
  /** Waits for the end; calls `onProgress` when what the run says of itself changed. */
  waitRun(run: StartedRun, onProgress?: (progress: RunProgress) => void): Promise<RunOutcome>;
  /** Starts the supervisor unless it runs; true when this call started it. */
  ensureStream(pipeline: string, stream: string): Promise<boolean>;
  streamState(pipeline: string, stream: string): Promise<StreamState | undefined>;
  stopStream(pipeline: string, stream: string): Promise<void>;
  ensureSync(pipeline: string, table: string): Promise<boolean>;
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

  return {
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

    ensureStream: (pipeline, stream) =>
      ensure(
        'streamSupervisor',
        streamWorkflowId(pipeline, stream),
        [{ pipeline, stream }],
        `keeps ${pipeline}/${stream} running`,
      ),

    async streamState(pipeline, stream) {
      try {
        return await client.workflow.getHandle(streamWorkflowId(pipeline, stream)).query<StreamState>('state');
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      }
    },

    async stopStream(pipeline, stream) {
      const handle = client.workflow.getHandle(streamWorkflowId(pipeline, stream));
      await handle.executeUpdate('stop');
      await handle.result();
    },

    ensureSync: (pipeline, table) =>
      ensure(
        'curatedSync',
        syncWorkflowId(pipeline, table),
        [{ pipeline, table }],
        `result topic into curated.${table}`,
      ),
  };
}
