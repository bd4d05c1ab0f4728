/** The zod schemas and the constructors agree with the specification: its examples pass here, our events pass there. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  DATASET_FACETS,
  INPUT_DATASET_FACETS,
  JOB_FACETS,
  OUTPUT_DATASET_FACETS,
  RUN_FACETS,
  datasetEvent,
  jobEvent,
  validateEvent,
  type FacetDefinition,
} from '../src/index.js';
import { PRODUCER, sampleRunEvent } from './samples.js';
import { loadSpec, skipWithoutSpec } from './spec-schemas.js';

const TABLES: Record<string, Record<string, Pick<FacetDefinition<never>, 'schema' | 'schemaUrl'>>> = {
  RunFacet: RUN_FACETS,
  JobFacet: JOB_FACETS,
  DatasetFacet: DATASET_FACETS,
  InputDatasetFacet: INPUT_DATASET_FACETS,
  OutputDatasetFacet: OUTPUT_DATASET_FACETS,
};

describe('against the specification', { skip: skipWithoutSpec }, () => {
  const spec = skipWithoutSpec === false ? loadSpec() : undefined;

  it('accepts every example facet of the kinds it knows', () => {
    let seen = 0;
    for (const { name, kind, content } of spec!.examples) {
      for (const [key, facet] of Object.entries(content)) {
        const known = TABLES[kind]?.[key];
        if (known === undefined) continue;
        seen += 1;
        const result = known.schema.safeParse(facet);
        assert.ok(result.success, `${name}: ${JSON.stringify(result.error?.issues)}`);
      }
    }
    assert.ok(seen >= 15, `only ${seen} examples matched`);
  });

  it('accepts the full example event', () => {
    assert.deepEqual(validateEvent(spec!.fullExample), { ok: true });
  });

  it('makes run, job and dataset events that the published schemas accept', () => {
    const event = sampleRunEvent();
    const { eventTime, producer, job, inputs, outputs } = event;
    assert.deepEqual(spec!.problemsOf(event), []);
    assert.deepEqual(spec!.problemsOf(jobEvent({ eventTime, producer, job, inputs, outputs })), []);
    assert.deepEqual(spec!.problemsOf(datasetEvent({ eventTime, producer, dataset: outputs[0]! })), []);
  });

  it('refuses what the published schemas refuse', () => {
    const broken = [
      { ...sampleRunEvent(), eventTime: 'yesterday' },
      { ...sampleRunEvent(), run: { runId: 'not-a-uuid' } },
      { ...sampleRunEvent(), eventType: 'DONE' },
      { ...sampleRunEvent(), job: { namespace: 'x' } },
      { ...sampleRunEvent(), producer: 'no uri' },
      { ...sampleRunEvent(), run: { runId: sampleRunEvent().run.runId, facets: { custom: { _producer: PRODUCER } } } },
    ];
    for (const event of broken) {
      assert.notDeepEqual(spec!.problemsOf(event), []);
      assert.equal(validateEvent(event).ok, false);
    }
  });
});

describe('validateEvent', () => {
  it('names path and rule and never the value', () => {
    const result = validateEvent({ ...sampleRunEvent(), run: { runId: 's3cr3t' } });
    assert.equal(result.ok, false);
    assert.match(JSON.stringify(result), /run\.runId/);
    assert.doesNotMatch(JSON.stringify(result), /s3cr3t/);
  });

  it('checks known facets and keeps room for custom ones', () => {
    const event = sampleRunEvent();
    const facets = { my_facet: { _producer: PRODUCER, _schemaURL: 'https://example.test/my.json', any: 1 } };
    assert.equal(validateEvent({ ...event, run: { ...event.run, facets } }).ok, true);
    const wrong = { errorMessage: { _producer: PRODUCER, _schemaURL: 'https://example.test/x.json' } };
    assert.equal(validateEvent({ ...event, run: { ...event.run, facets: wrong } }).ok, false);
  });
});
