/** Streams as people ask for them: is it running, stop it, start it again from where it was. */
import {
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
} from '@temporalio/client';
import { messageOf, SluiceError } from '../infra/errors.js';
import { streamWorkflowId } from '../workflows/contracts/ids.js';
import type { StreamState } from '../workflows/contracts/streams.js';
import { QUESTION_MS, within } from './questions.js';
import { asSluiceError } from './run-failure.js';

/** What can be said of a stream; only a running supervisor with a worker says everything. */
export type SeenStream = Pick<StreamState, 'pipeline' | 'stream'> &
  Partial<Omit<StreamState, 'state'>> & { state: StreamState['state'] | 'stopped'; closed?: true };

export interface StreamControl {
  /** undefined when it never ran; `closed` when its supervisor has ended, however. */
  streamState(pipeline: string, stream: string): Promise<SeenStream | undefined>;
  /** INVALID_REQUEST when its supervisor does not run; waits for the end of its job. */
  stopStream(pipeline: string, stream: string): Promise<void>;
  restartStream(pipeline: string, stream: string): Promise<void>;
}

export function createStreamControl(client: Client): StreamControl {
  const handleOf = (pipeline: string, stream: string) => client.workflow.getHandle(streamWorkflowId(pipeline, stream));

  /** Hands the wish to the supervisor; it is taken once this returns. */
  async function ask(pipeline: string, stream: string, update: 'stop' | 'restart'): Promise<void> {
    try {
      await within(client, () => handleOf(pipeline, stream).executeUpdate(update));
    } catch (error) {
      throw refusal(error, `stream ${pipeline}/${stream}`);
    }
  }

  return {
    async streamState(pipeline, stream) {
      const handle = handleOf(pipeline, stream);
      try {
        const { status } = await within(client, () => handle.describe());
        const state = await within(client, () => handle.query<StreamState>('state')).catch((error: unknown) => {
          if (error instanceof WorkflowNotFoundError) throw error;
          return { pipeline, stream, state: 'unknown' as const, reason: `no worker answers: ${messageOf(error)}` };
        });
        // What a closed supervisor remembers is not what is.
        if (status.name === 'RUNNING') return state;
        const reason = [`its supervisor is ${status.name.toLowerCase()}`, state.reason].filter(Boolean).join(': ');
        return { ...state, state: 'stopped', healthy: false, closed: true, reason };
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      }
    },

    async stopStream(pipeline, stream) {
      await ask(pipeline, stream, 'stop');
      try {
        await handleOf(pipeline, stream).result();
      } catch (error) {
        throw refusal(error, `stream ${pipeline}/${stream}`);
      }
    },

    restartStream: (pipeline, stream) => ask(pipeline, stream, 'restart'),
  };
}

/** Why a wish was not carried out, in our own words; what is not known passes through. */
function refusal(error: unknown, what: string): unknown {
  if (error instanceof WorkflowNotFoundError) {
    return new SluiceError('INVALID_REQUEST', `${what} does not run: \`sluice status\` shows what does`);
  }
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
    const seconds = QUESTION_MS / 1000;
    return new SluiceError(
      'STORE_UNREACHABLE',
      `${what}: no worker answers within ${seconds} s, so nothing is known to have changed: is one up? (\`npx sluice up\`)`,
      { cause: error },
    );
  }
  if (error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError) {
    return asSluiceError(error, what);
  }
  return error;
}
