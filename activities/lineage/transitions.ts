/** What happened to a run, and which event type says so. */
import type { EventType } from 'openlineage-client';
import type { FailureFacts } from './facts.js';

/** `at` is when it happened, in RFC 3339; a retried activity must give the same time again if it can. */
export type Transition =
  | { type: 'START' | 'RUNNING' | 'COMPLETE'; at: string }
  | { type: 'FAIL'; at: string; failure: FailureFacts }
  | { type: 'ABORT'; at: string; failure?: FailureFacts };

/** How a run or an engine job ended. */
export type Ending = 'succeeded' | 'failed' | 'timed-out' | 'cancelled' | 'terminated' | 'lost';

/** Cancelled or terminated by a person is ABORT; a time-out or a lost job is a failure like any other. */
const ENDINGS = {
  succeeded: 'COMPLETE',
  failed: 'FAIL',
  'timed-out': 'FAIL',
  lost: 'FAIL',
  cancelled: 'ABORT',
  terminated: 'ABORT',
} as const satisfies Record<Ending, EventType>;

export function endingTransition(ending: Ending, at: string, failure?: FailureFacts): Transition {
  const type = ENDINGS[ending];
  switch (type) {
    case 'COMPLETE':
      return { type, at };
    case 'ABORT':
      return failure === undefined ? { type, at } : { type, at, failure };
    case 'FAIL':
      return { type, at, failure: failure ?? { message: ending === 'failed' ? 'failed without a message' : ending } };
  }
}
