/** Ends what a run left open: after a terminate, a time-out or a crash no code of the run itself can do it. */
import { runEvent, type RunEvent } from 'openlineage-client';
import { insertLineage, openLineageRuns, type Queryable } from '../../infra/postgres/outbox.js';
import { failureFacet } from './failure.js';
import type { Transition } from './transitions.js';

export type ClosingTransition = Extract<Transition, { type: 'FAIL' | 'ABORT' }>;

/**
 * Gives the root run (a pipeline run's or a stream's id) and every open run below it the last event it lacks, children
 * first, with the datasets of its START. Returns how many were closed; those that ended already stay as they are.
 */
export async function closeLineage(
  client: Queryable,
  rootRunId: string,
  transition: ClosingTransition,
): Promise<number> {
  const open = await openLineageRuns(client, rootRunId);
  return insertLineage(
    client,
    open.map((start) => closingEvent(start, transition)),
  );
}

export function closingEvent(start: RunEvent, transition: ClosingTransition): RunEvent {
  const { schemaURL: _schemaURL, ...kept } = start;
  const { failure } = transition;
  return runEvent({
    ...kept,
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
