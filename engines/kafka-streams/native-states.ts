/** Kafka Streams' application states in our words; total over its own list, and any other word is `unknown`. */
import type { JobState } from '../job-state.js';

export const STREAMS_STATES = {
  CREATED: 'starting',
  /** Getting or moving partitions: part of starting, and normal life once it ran. */
  REBALANCING: 'starting',
  RUNNING: 'running',
  PENDING_SHUTDOWN: 'stopping',
  NOT_RUNNING: 'stopping',
  PENDING_ERROR: 'stopping',
  /** Nothing leads out of it: the application shows its reason until it is ended. */
  ERROR: 'failed',
} as const satisfies Record<string, JobState>;

export type StreamsState = keyof typeof STREAMS_STATES;

export function streamsState(native: string, seenRunning: boolean): JobState {
  if (native === 'REBALANCING' && seenRunning) return 'running';
  return Object.hasOwn(STREAMS_STATES, native) ? STREAMS_STATES[native as StreamsState] : 'unknown';
}
