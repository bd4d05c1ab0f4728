/** Facts of one run, as lineage tests need them. */
import { kafkaTopic, postgresTableFromUrl, s3Object } from 'openlineage-client';
import type { PublishFacts, RunFacts, StageFacts, StreamFacts } from '../../../activities/lineage/facts.js';

export const AT = '2026-02-01T03:00:00.000Z';

export function runFacts(overrides: Partial<RunFacts> = {}): RunFacts {
  return {
    pipeline: 'top-sales-per-city',
    partition: { from: '1998-03-14', to: '1998-03-15' },
    workflowId: 'run/top-sales-per-city/1998-03-14',
    firstRunId: '0194c1a0-0000-7000-8000-000000000001',
    runId: '0194c1a0-0000-7000-8000-000000000002',
    specHash: 'a1b2c3',
    owner: 'sales-analytics',
    description: 'Sales per city and day.',
    trigger: 'ui',
    inputs: [s3Object('s3a://lake/sales/')],
    outputs: [postgresTableFromUrl('postgres://u:s3cr3t@db.example.test/curated', 'curated.city_sales_daily')],
    ...overrides,
  };
}

const FIELDS = [
  { name: 'business_date', type: 'date' },
  { name: 'city', type: 'text' },
  { name: 'sales', type: 'numeric(18,4)' },
];

export function stageFacts(overrides: Partial<StageFacts> = {}): StageFacts {
  const sales = s3Object('s3a://lake/sales/');
  return {
    run: runFacts(),
    stage: 'daily',
    job: { workflowId: 'run/top-sales-per-city/1998-03-14/daily', firstRunId: '0194c1a0-0000-7000-8000-000000000003' },
    submission: 1,
    owner: 'sales-analytics',
    engine: { name: 'spark', version: '4.3.0', jobId: 'driver-20260201030000-0001', cluster: 'spark-local' },
    inputs: [{ ...sales, rows: 10, bytes: 100, files: 1 }],
    outputs: [{ ...s3Object('s3a://lake/p/1998-03-14/daily/k/city_sales_daily/'), fields: FIELDS, rows: 3 }],
    sql: { query: 'select 1', dialect: 'spark' },
    path: 'pipelines/top-sales-per-city/daily.spark.sql',
    version: 'a1b2c3',
    columnLineage: [{ column: 'sales', from: [{ dataset: sales, column: 'amount' }] }],
    ...overrides,
  };
}

export function publishFacts(overrides: Partial<PublishFacts> = {}): PublishFacts {
  const output = postgresTableFromUrl('postgres://u:s3cr3t@db.example.test/curated', 'curated.city_sales_daily');
  return {
    run: runFacts(),
    table: 'city_sales_daily',
    input: { ...s3Object('s3a://lake/p/1998-03-14/daily/k/city_sales_daily/'), fields: FIELDS },
    output: { ...output, fields: FIELDS, rows: 3 },
    overwrite: true,
    quality: {
      rows: 3,
      nulls: { city: 0 },
      checks: [
        { type: 'not_null', column: 'city', severity: 'block', verdict: 'pass' },
        { type: 'reconcile', name: 'live-equals-daily', severity: 'warn', verdict: 'error' },
      ],
    },
    ...overrides,
  };
}

export function streamFacts(overrides: Partial<StreamFacts> = {}): StreamFacts {
  return {
    pipeline: 'top-sales-per-city',
    stream: 'live',
    installation: 'i-1',
    generation: 1,
    submission: 1,
    workflowId: 'stream/top-sales-per-city/live',
    firstRunId: '0194c1a0-0000-7000-8000-000000000004',
    specHash: 'a1b2c3',
    owner: 'sales-analytics',
    engine: { name: 'kafka-streams', version: '4.3.1' },
    inputs: [kafkaTopic('127.0.0.1:9092', 'sales.raw')],
    outputs: [kafkaTopic('127.0.0.1:9092', 'results.city-sales-live')],
    ...overrides,
  };
}
