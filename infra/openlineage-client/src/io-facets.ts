/** Facets of a dataset in its role as input or output of one run: what was checked, read and written. */
import { z } from 'zod';
import { defineFacet, type Facet } from './facet.js';
import { integer, timestamp, type BaseFacet } from './schema-parts.js';

const assertion = z.object({
  /** Kind of test, such as `not_null`. */
  assertion: z.string(),
  /** False when the test found issues, whether or not they block. */
  success: z.boolean(),
  /** Empty: the test is about the whole dataset. */
  column: z.string().optional(),
  /** Commonly `error` (blocks) or `warn`. */
  severity: z.string().optional(),
  name: z.string().optional(),
  description: z.string().optional(),
  expected: z.string().optional(),
  actual: z.string().optional(),
  content: z.string().optional(),
  contentType: z.string().optional(),
  params: z.record(z.string(), z.unknown()).optional(),
});
const columnMetrics = z.object({
  nullCount: integer.optional(),
  distinctCount: integer.optional(),
  sum: z.number().optional(),
  count: z.number().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  quantiles: z.record(z.string(), z.number()).optional(),
});

const assertionsShape = { assertions: z.array(assertion) };
const metricsShape = {
  rowCount: integer.optional(),
  bytes: integer.optional(),
  fileCount: integer.optional(),
  lastUpdated: timestamp.optional(),
  /** By column; sums are JSON numbers, so leave out what a double cannot hold exactly. */
  columnMetrics: z.record(z.string(), columnMetrics),
};
const statisticsShape = { rowCount: integer.optional(), size: integer.optional(), fileCount: integer.optional() };

export const dataQualityAssertionsFacet = defineFacet('DataQualityAssertionsDatasetFacet', '1-1-0', assertionsShape);
export const dataQualityMetricsFacet = defineFacet('DataQualityMetricsInputDatasetFacet', '1-0-3', metricsShape);
export const inputStatisticsFacet = defineFacet('InputStatisticsInputDatasetFacet', '1-0-0', statisticsShape);
export const outputStatisticsFacet = defineFacet('OutputStatisticsOutputDatasetFacet', '1-0-2', statisticsShape);

export type DataQualityAssertion = z.infer<typeof assertion>;
export type DataQualityAssertionsFacet = Facet<typeof assertionsShape>;
export type DataQualityMetricsFacet = Facet<typeof metricsShape>;
export type InputStatisticsFacet = Facet<typeof statisticsShape>;
export type OutputStatisticsFacet = Facet<typeof statisticsShape>;

/** The specification puts quality results on the dataset that was tested, as an input of the run that tested it. */
export interface InputDatasetFacets {
  dataQualityAssertions?: DataQualityAssertionsFacet | undefined;
  dataQualityMetrics?: DataQualityMetricsFacet | undefined;
  inputStatistics?: InputStatisticsFacet | undefined;
  [custom: string]: BaseFacet | undefined;
}

export interface OutputDatasetFacets {
  outputStatistics?: OutputStatisticsFacet | undefined;
  [custom: string]: BaseFacet | undefined;
}

export const INPUT_DATASET_FACETS = {
  dataQualityAssertions: dataQualityAssertionsFacet,
  dataQualityMetrics: dataQualityMetricsFacet,
  inputStatistics: inputStatisticsFacet,
};

export const OUTPUT_DATASET_FACETS = { outputStatistics: outputStatisticsFacet };
