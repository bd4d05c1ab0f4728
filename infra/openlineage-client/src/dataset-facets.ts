/** Facets of a dataset: where it lives, its columns and where they come from, and what a run did to it. */
import { z } from 'zod';
import { defineFacet, type Facet } from './facet.js';
import { integer, uri, type BaseFacet } from './schema-parts.js';

const schemaField = z.object({
  name: z.string(),
  type: z.string().optional(),
  description: z.string().optional(),
  /** Counts from 1. */
  ordinal_position: integer.optional(),
  /** Fields of a nested struct. */
  get fields() {
    return z.array(schemaField).optional();
  },
});
const inputField = z.object({
  namespace: z.string(),
  name: z.string(),
  field: z.string(),
  transformations: z
    .array(
      z.object({
        /** `DIRECT` or `INDIRECT`. */
        type: z.string(),
        subtype: z.string().optional(),
        description: z.string().optional(),
        masking: z.boolean().optional(),
      }),
    )
    .optional(),
});

const schemaShape = { fields: z.array(schemaField).optional() };
const datasourceShape = { name: z.string().optional(), uri: uri.optional() };
const lifecycleShape = {
  lifecycleStateChange: z.enum(['ALTER', 'CREATE', 'DROP', 'OVERWRITE', 'RENAME', 'TRUNCATE']),
  previousIdentifier: z.object({ name: z.string(), namespace: z.string() }).optional(),
};
const columnLineageShape = {
  /** By output column. */
  fields: z.record(z.string(), z.object({ inputFields: z.array(inputField) })),
  /** Columns that the whole dataset depends on: filters, joins, groupings. */
  dataset: z.array(inputField).optional(),
};

export const schemaDatasetFacet = defineFacet('SchemaDatasetFacet', '1-2-0', schemaShape);
export const datasourceDatasetFacet = defineFacet('DatasourceDatasetFacet', '1-0-1', datasourceShape);
export const lifecycleStateChangeDatasetFacet = defineFacet(
  'LifecycleStateChangeDatasetFacet',
  '1-0-1',
  lifecycleShape,
);
export const columnLineageDatasetFacet = defineFacet('ColumnLineageDatasetFacet', '1-2-0', columnLineageShape);

export type SchemaDatasetFacet = Facet<typeof schemaShape>;
export type DatasourceDatasetFacet = Facet<typeof datasourceShape>;
export type LifecycleStateChangeDatasetFacet = Facet<typeof lifecycleShape>;
export type ColumnLineageDatasetFacet = Facet<typeof columnLineageShape>;
export type ColumnLineageInputField = z.infer<typeof inputField>;

/** Dataset facets by the key that the specification gives them; other keys are custom facets. */
export interface DatasetFacets {
  schema?: SchemaDatasetFacet | undefined;
  dataSource?: DatasourceDatasetFacet | undefined;
  lifecycleStateChange?: LifecycleStateChangeDatasetFacet | undefined;
  columnLineage?: ColumnLineageDatasetFacet | undefined;
  [custom: string]: BaseFacet | undefined;
}

export const DATASET_FACETS = {
  schema: schemaDatasetFacet,
  dataSource: datasourceDatasetFacet,
  lifecycleStateChange: lifecycleStateChangeDatasetFacet,
  columnLineage: columnLineageDatasetFacet,
};
