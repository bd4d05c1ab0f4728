/** Zod schemas of whole events, for callers that receive events or want to check their own before sending. */
import { z } from 'zod';
import { DATASET_FACETS } from './dataset-facets.js';
import { EVENT_TYPES, type OpenLineageEvent } from './events.js';
import type { FacetDefinition } from './facet.js';
import { INPUT_DATASET_FACETS, OUTPUT_DATASET_FACETS } from './io-facets.js';
import { JOB_FACETS } from './job-facets.js';
import { RUN_FACETS } from './run-facets.js';
import { baseFacet, timestamp, uri, uuid } from './schema-parts.js';

type Table = Record<string, Pick<FacetDefinition<never>, 'schema'>>;

/** Known keys follow their facet's schema; every other key holds a custom facet with the two base fields. */
function facetMap(table: Table) {
  const known = Object.entries(table).map(([key, facet]) => [key, facet.schema.optional()] as const);
  return z.object(Object.fromEntries(known)).catchall(baseFacet).optional();
}

const run = z.looseObject({ runId: uuid, facets: facetMap(RUN_FACETS) });
const job = z.looseObject({ namespace: z.string(), name: z.string(), facets: facetMap(JOB_FACETS) });
const dataset = z.looseObject({ namespace: z.string(), name: z.string(), facets: facetMap(DATASET_FACETS) });
const inputs = z.array(dataset.extend({ inputFacets: facetMap(INPUT_DATASET_FACETS) })).optional();
const outputs = z.array(dataset.extend({ outputFacets: facetMap(OUTPUT_DATASET_FACETS) })).optional();
const base = z.looseObject({ eventTime: timestamp, producer: uri, schemaURL: uri });

const eventType = z.enum(EVENT_TYPES).optional();
export const runEventSchema = base.extend({ eventType, run, job, inputs, outputs });
export const jobEventSchema = base.extend({ job, inputs, outputs, run: z.undefined().optional() });
export const datasetEventSchema = base.extend({
  dataset,
  run: z.undefined().optional(),
  job: z.undefined().optional(),
});

export type ValidationResult = { ok: true } | { ok: false; problems: string[] };

/** Says what is wrong by path and rule, never by value, so that the result may be logged. */
export function validateEvent(event: unknown): ValidationResult {
  const result = schemaFor(event).safeParse(event);
  if (result.success) return { ok: true };
  return {
    ok: false,
    problems: result.error.issues.map((issue) => `${issue.path.join('.') || 'event'}: ${issue.message}`),
  };
}

export function assertValidEvent(event: unknown): asserts event is OpenLineageEvent {
  const result = validateEvent(event);
  if (!result.ok) throw new TypeError(`not a valid OpenLineage event: ${result.problems.join('; ')}`);
}

function schemaFor(event: unknown): z.ZodType {
  if (typeof event === 'object' && event !== null) {
    if ('run' in event) return runEventSchema;
    if ('dataset' in event) return datasetEventSchema;
  }
  return jobEventSchema;
}
