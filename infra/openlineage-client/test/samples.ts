/** Small events for tests. */
import {
  errorMessageRunFacet,
  runEvent,
  schemaDatasetFacet,
  uuidV5,
  type EventType,
  type RunEvent,
} from '../src/index.js';

export const PRODUCER = 'https://example.test/producer/1';

export function sampleRunEvent(name = 'job', eventType: EventType = 'START'): RunEvent {
  return runEvent({
    eventType,
    eventTime: '2026-02-01T03:00:00.000Z',
    producer: PRODUCER,
    run: {
      runId: uuidV5('00000000-0000-0000-0000-000000000000', [name]),
      facets: {
        errorMessage: errorMessageRunFacet.create(PRODUCER, { message: 'boom', programmingLanguage: 'Java' }),
      },
    },
    job: { namespace: 'test', name },
    inputs: [],
    outputs: [
      {
        namespace: 'postgres://db:5432',
        name: 'a.public.b',
        facets: { schema: schemaDatasetFacet.create(PRODUCER, { fields: [{ name: 'city', type: 'text' }] }) },
      },
    ],
  });
}
