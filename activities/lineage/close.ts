/** Ends what a run left open: after a terminate, a time-out or a crash no code of the run itself can do it. */
import { runEvent, type RunEvent } from 'openlineage-client';
import { failureFacet } from './failure.js';
import type { Transition } from './transitions.js';

export type ClosingTransition = Extract<Transition, { type: 'FAIL' | 'ABORT' }>;

/** The last event that a run lacks, with the job and the datasets of its START. */
export function closingEvent(start: RunEvent, transition: ClosingTransition): RunEvent {
  const { failure } = transition;
  return runEvent({
    ...start,
    eventType: transition.type,
    eventTime: transition.at,
    run: {
      ...start.run,
      facets: {
        ...start.run.facets,
        ...(failure === undefined ? {} : { errorMessage: failureFacet(start.producer, failure) }),
      },
    },
  });
}
