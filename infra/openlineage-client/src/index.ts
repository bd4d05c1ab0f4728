/** Public surface of the OpenLineage client. */
export { OpenLineageClient, type OpenLineageClientOptions } from './client.js';
export { createTransport, type TransportConfig } from './create-transport.js';
export * from './dataset-facets.js';
export * from './events.js';
export { defineFacet, defineFacetAt, type Facet, type FacetDefinition } from './facet.js';
export { uuidV5, uuidV7From, type NamePart } from './ids.js';
export * from './io-facets.js';
export * from './job-facets.js';
export {
  kafkaTopic,
  postgresTable,
  postgresTableFromUrl,
  s3Object,
  type DatasetName,
  type PostgresTable,
} from './naming.js';
export * from './run-facets.js';
export type { BaseFacet } from './schema-parts.js';
export { TransportError, type Transport, type TransportErrorOptions } from './transport.js';
export { CompositeTransport } from './transports/composite.js';
export { ConsoleTransport, type ConsoleTransportOptions } from './transports/console.js';
export { FileTransport, type FileTransportOptions } from './transports/file.js';
export { HttpTransport, type HttpTransportOptions } from './transports/http.js';
export {
  assertValidEvent,
  datasetEventSchema,
  jobEventSchema,
  runEventSchema,
  validateEvent,
  type ValidationResult,
} from './validate.js';
