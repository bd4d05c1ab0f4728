/** Defines a facet once: its schema URL, its zod schema and its constructor all come from one declaration. */
import { z } from 'zod';
import { baseFacet, type BaseFacet } from './schema-parts.js';

type Shape = z.core.$ZodLooseShape;
type Fields<S extends Shape> = z.infer<z.ZodObject<S, z.core.$strip>>;

/** A facet as it is written into an event. */
export type Facet<S extends Shape> = BaseFacet & Fields<S>;

export interface FacetDefinition<S extends Shape> {
  /** Canonical address of the JSON schema, with the version that these fields were written from. */
  readonly schemaUrl: string;
  /** Accepts further fields, because every facet of the specification does. */
  readonly schema: z.ZodType;
  /** Makes the facet; fields given as `undefined` are left out of the JSON by JSON.stringify. */
  create(producer: string, fields: Fields<S>): Facet<S>;
}

/** `name` is the definition's name in the specification, `version` its version there, such as `1-0-1`. */
export function defineFacet<S extends Shape>(name: string, version: string, shape: S): FacetDefinition<S> {
  return defineFacetAt(`https://openlineage.io/spec/facets/${version}/${name}.json#/$defs/${name}`, shape);
}

/** The same for a custom facet, whose schema lives at an address of its own. */
export function defineFacetAt<S extends Shape>(schemaUrl: string, shape: S): FacetDefinition<S> {
  return {
    schemaUrl,
    schema: baseFacet.extend(shape),
    create: (producer, fields) => ({ _producer: producer, _schemaURL: schemaUrl, ...fields }),
  };
}
