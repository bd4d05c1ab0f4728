/** The small zod schemas that events and facets share, one per format of the specification. */
import { z } from 'zod';

/** RFC 3339 with `Z` or an offset. */
export const timestamp = z.iso.datetime({ offset: true });

/** Any 8-4-4-4-12 hex UUID: the specification does not restrict version or variant. */
export const uuid = z.guid();

/** An absolute URI of any scheme (`https:`, `urn:`, `s3:` …). */
export const uri = z.string().regex(/^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`]+$/, 'expected an absolute URI');

export const integer = z.number().int();

export interface BaseFacet {
  /** URI of the software that made the facet. */
  _producer: string;
  /** URL of the schema that the facet follows. */
  _schemaURL: string;
}

/** Any facet, known or custom: the two base fields and whatever else it carries. */
export const baseFacet = z.looseObject({ _producer: uri, _schemaURL: uri });
