/** Facets of a run: what it belongs to, which slice it is for, which engine did it and how it ended. */
import { z } from 'zod';
import { defineFacet, type Facet } from './facet.js';
import { timestamp, uuid, type BaseFacet } from './schema-parts.js';

const runRef = z.object({ runId: uuid });
const jobRef = z.object({ namespace: z.string(), name: z.string() });

const parentShape = {
  run: runRef,
  job: jobRef,
  /** The outermost run, so that a reader need not walk up. */
  root: z.object({ run: runRef, job: jobRef }).optional(),
};
const nominalTimeShape = {
  nominalStartTime: timestamp,
  /** Excluded from the interval. */
  nominalEndTime: timestamp.optional(),
};
const processingEngineShape = {
  version: z.string(),
  name: z.string().optional(),
  openlineageAdapterVersion: z.string().optional(),
};
const errorMessageShape = {
  message: z.string(),
  programmingLanguage: z.string(),
  stackTrace: z.string().optional(),
};
const externalQueryShape = { externalQueryId: z.string(), source: z.string() };

export const parentRunFacet = defineFacet('ParentRunFacet', '1-2-0', parentShape);
export const nominalTimeRunFacet = defineFacet('NominalTimeRunFacet', '1-0-1', nominalTimeShape);
export const processingEngineRunFacet = defineFacet('ProcessingEngineRunFacet', '1-1-1', processingEngineShape);
export const errorMessageRunFacet = defineFacet('ErrorMessageRunFacet', '1-0-1', errorMessageShape);
export const externalQueryRunFacet = defineFacet('ExternalQueryRunFacet', '1-0-2', externalQueryShape);

export type ParentRunFacet = Facet<typeof parentShape>;
export type NominalTimeRunFacet = Facet<typeof nominalTimeShape>;
export type ProcessingEngineRunFacet = Facet<typeof processingEngineShape>;
export type ErrorMessageRunFacet = Facet<typeof errorMessageShape>;
export type ExternalQueryRunFacet = Facet<typeof externalQueryShape>;

/** Run facets by the key that the specification gives them; other keys are custom facets. */
export interface RunFacets {
  parent?: ParentRunFacet | undefined;
  nominalTime?: NominalTimeRunFacet | undefined;
  processing_engine?: ProcessingEngineRunFacet | undefined;
  errorMessage?: ErrorMessageRunFacet | undefined;
  externalQuery?: ExternalQueryRunFacet | undefined;
  [custom: string]: BaseFacet | undefined;
}

export const RUN_FACETS = {
  parent: parentRunFacet,
  nominalTime: nominalTimeRunFacet,
  processing_engine: processingEngineRunFacet,
  errorMessage: errorMessageRunFacet,
  externalQuery: externalQueryRunFacet,
};
