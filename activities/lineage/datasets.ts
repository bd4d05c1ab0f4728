/** Turns dataset facts into the inputs and outputs of an event. */
import {
  columnLineageDatasetFacet,
  dataQualityAssertionsFacet,
  dataQualityMetricsFacet,
  datasourceDatasetFacet,
  inputStatisticsFacet,
  lifecycleStateChangeDatasetFacet,
  outputStatisticsFacet,
  schemaDatasetFacet,
  type ColumnLineageDatasetFacet,
  type ColumnLineageInputField,
  type DataQualityAssertion,
  type DatasetFacets,
  type InputDataset,
  type OutputDataset,
} from 'openlineage-client';
import type { CheckFacts, ColumnLineageFacts, DatasetFacts, QualityFacts } from './facts.js';
import { redact } from './redact.js';

export function inputDataset(producer: string, facts: DatasetFacts, quality?: QualityFacts): InputDataset {
  return {
    namespace: facts.namespace,
    name: facts.name,
    facets: datasetFacets(producer, facts),
    inputFacets: {
      ...(hasStatistics(facts) ? { inputStatistics: inputStatisticsFacet.create(producer, statistics(facts)) } : {}),
      ...(quality === undefined ? {} : qualityFacets(producer, quality)),
    },
  };
}

export interface OutputExtras {
  overwrite?: boolean;
  columnLineage?: readonly ColumnLineageFacts[];
}

export function outputDataset(producer: string, facts: DatasetFacts, extras: OutputExtras = {}): OutputDataset {
  const lineage = extras.columnLineage ?? [];
  return {
    namespace: facts.namespace,
    name: facts.name,
    facets: {
      ...datasetFacets(producer, facts),
      ...(extras.overwrite === true
        ? {
            lifecycleStateChange: lifecycleStateChangeDatasetFacet.create(producer, {
              lifecycleStateChange: 'OVERWRITE',
            }),
          }
        : {}),
      ...(lineage.length === 0 ? {} : { columnLineage: columnLineage(producer, lineage) }),
    },
    outputFacets: hasStatistics(facts)
      ? { outputStatistics: outputStatisticsFacet.create(producer, statistics(facts)) }
      : {},
  };
}

/** Columns that go through unchanged under their own name. */
export function sameColumns(input: DatasetFacts, output: DatasetFacts): ColumnLineageFacts[] {
  const known = new Set((input.fields ?? []).map((field) => field.name));
  return (output.fields ?? [])
    .filter((field) => known.has(field.name))
    .map((field) => ({ column: field.name, from: [{ dataset: input, column: field.name }] }));
}

function datasetFacets(producer: string, facts: DatasetFacts): DatasetFacets {
  return {
    dataSource: datasourceDatasetFacet.create(producer, { name: facts.namespace, uri: facts.namespace }),
    ...(facts.fields === undefined
      ? {}
      : {
          schema: schemaDatasetFacet.create(producer, {
            fields: facts.fields.map((field, index) => ({ ...field, ordinal_position: index + 1 })),
          }),
        }),
  };
}

function hasStatistics(facts: DatasetFacts): boolean {
  return facts.rows !== undefined || facts.bytes !== undefined || facts.files !== undefined;
}

function statistics(facts: DatasetFacts) {
  return { rowCount: facts.rows, size: facts.bytes, fileCount: facts.files };
}

function qualityFacets(producer: string, quality: QualityFacts) {
  const nulls = Object.entries(quality.nulls ?? {}).map(([column, nullCount]) => [column, { nullCount }] as const);
  return {
    dataQualityAssertions: dataQualityAssertionsFacet.create(producer, { assertions: quality.checks.map(assertion) }),
    dataQualityMetrics: dataQualityMetricsFacet.create(producer, {
      rowCount: quality.rows,
      columnMetrics: Object.fromEntries(nulls),
    }),
  };
}

function assertion(check: CheckFacts): DataQualityAssertion {
  return {
    assertion: check.type,
    success: check.verdict === 'pass',
    severity: check.severity === 'block' ? 'error' : check.severity,
    column: check.column,
    name: check.name,
    expected: check.expected === undefined ? undefined : redact(check.expected, 500),
    actual: check.actual === undefined ? check.verdict : redact(check.actual, 500),
  };
}

function columnLineage(producer: string, facts: readonly ColumnLineageFacts[]): ColumnLineageDatasetFacet {
  const fields = facts.map(({ column, from }) => {
    const inputFields = from.map((source): ColumnLineageInputField => ({
      namespace: source.dataset.namespace,
      name: source.dataset.name,
      field: source.column,
      transformations: [{ type: 'DIRECT', subtype: source.column === column ? 'IDENTITY' : 'TRANSFORMATION' }],
    }));
    return [column, { inputFields }] as const;
  });
  return columnLineageDatasetFacet.create(producer, { fields: Object.fromEntries(fields) });
}
