/** Facets of a job: its kind, its code, who owns it and what it is for. */
import { z } from 'zod';
import { defineFacet, type Facet } from './facet.js';
import { integer, uri, type BaseFacet } from './schema-parts.js';

const jobTypeShape = {
  /** `BATCH`, `STREAMING` or `SERVICE`. */
  processingType: z.string(),
  /** The system that runs it, such as `SPARK`. */
  integration: z.string(),
  jobType: z.string().optional(),
  emissionPattern: z
    .object({
      eventTrigger: z.string(),
      eventContentMode: z.string(),
      /** Seconds; only with `PERIODIC`. */
      windowDuration: integer.min(1).optional(),
    })
    .optional(),
};
const sqlShape = { query: z.string(), dialect: z.string().optional() };
const sourceCodeLocationShape = {
  /** The source control system, such as `git`. */
  type: z.string(),
  url: uri,
  repoUrl: z.string().optional(),
  path: z.string().optional(),
  version: z.string().optional(),
  tag: z.string().optional(),
  branch: z.string().optional(),
  pullRequestNumber: z.string().optional(),
};
const ownershipShape = {
  /** Names are best given as URNs, such as `team:sales-analytics`. */
  owners: z.array(z.object({ name: z.string(), type: z.string().optional() })).optional(),
};
const documentationShape = { description: z.string(), contentType: z.string().optional() };

export const jobTypeJobFacet = defineFacet('JobTypeJobFacet', '2-0-4', jobTypeShape);
export const sqlJobFacet = defineFacet('SQLJobFacet', '1-1-0', sqlShape);
export const sourceCodeLocationJobFacet = defineFacet('SourceCodeLocationJobFacet', '1-1-0', sourceCodeLocationShape);
export const ownershipJobFacet = defineFacet('OwnershipJobFacet', '1-0-1', ownershipShape);
export const documentationJobFacet = defineFacet('DocumentationJobFacet', '1-1-0', documentationShape);

export type JobTypeJobFacet = Facet<typeof jobTypeShape>;
export type SqlJobFacet = Facet<typeof sqlShape>;
export type SourceCodeLocationJobFacet = Facet<typeof sourceCodeLocationShape>;
export type OwnershipJobFacet = Facet<typeof ownershipShape>;
export type DocumentationJobFacet = Facet<typeof documentationShape>;

/** Job facets by the key that the specification gives them; other keys are custom facets. */
export interface JobFacets {
  jobType?: JobTypeJobFacet | undefined;
  sql?: SqlJobFacet | undefined;
  sourceCodeLocation?: SourceCodeLocationJobFacet | undefined;
  ownership?: OwnershipJobFacet | undefined;
  documentation?: DocumentationJobFacet | undefined;
  [custom: string]: BaseFacet | undefined;
}

export const JOB_FACETS = {
  jobType: jobTypeJobFacet,
  sql: sqlJobFacet,
  sourceCodeLocation: sourceCodeLocationJobFacet,
  ownership: ownershipJobFacet,
  documentation: documentationJobFacet,
};
