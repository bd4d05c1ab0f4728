/** Our one custom run facet: leads from a lineage run to the Temporal execution and the spec it ran. */
import { defineFacetAt } from 'openlineage-client';
import { z } from 'zod';

export const sluiceRunFacet = defineFacetAt(
  'https://sluice.dev/lineage/1-0-0/SluiceRunFacet.json#/$defs/SluiceRunFacet',
  {
    workflowId: z.string(),
    temporalRunId: z.string().optional(),
    specHash: z.string(),
    trigger: z.string().optional(),
    /** Streams only: number of the wanted spec. */
    generation: z.number().int().optional(),
    submission: z.number().int().optional(),
  },
);
