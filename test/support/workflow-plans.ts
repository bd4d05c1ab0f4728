/** Small plans for workflow tests: stages, tables and streams with short times. */
import type { RunPlan, RunRef, StagePlan, TablePlan } from '../../workflows/contracts/plans.js';
import type { StreamPlan } from '../../workflows/contracts/streams.js';
import { TEST_HOST } from './workflow-bench.js';

export function stagePlan(name: string, more: Partial<StagePlan> = {}): StagePlan {
  const engine = more.engine ?? 'spark';
  return {
    name,
    engine,
    cluster: engine === 'kafka-streams' ? TEST_HOST : engine,
    job: { module: engine, mainClass: 'dev.sluice.test.Job', args: {} },
    inputs: [{ name: 'sales', dataset: 'lake/sales' }],
    outputs: [{ name: 'city_sales_daily', columns: { business_date: 'date', sales: 'numeric(18,4)' } }],
    resources: { cores: 1, memoryMb: 512 },
    retry: { attempts: 3, backoffMs: 20, maxBackoffMs: 100 },
    timeoutMs: 60_000,
    startTimeoutMs: 60_000,
    dependsOn: [],
    ...more,
  };
}

export function tablePlan(stage: string, more: Partial<TablePlan> = {}): TablePlan {
  return {
    table: 'city_sales_daily',
    stage,
    output: 'city_sales_daily',
    partitionColumn: 'business_date',
    grain: 'day',
    columns: { business_date: 'date', sales: 'numeric(18,4)' },
    key: ['business_date'],
    checks: [{ type: 'row_count', min: 1 }],
    ...more,
  };
}

export type DeclaredPlan = Omit<RunPlan, 'run'>;

export function declaredPlan(stages: StagePlan[], more: Partial<DeclaredPlan> = {}): DeclaredPlan {
  const first = stages[0]?.name ?? '';
  return {
    stages,
    tables: [tablePlan(first)],
    comparisons: [],
    onEmpty: 'fail',
    description: 'a plan for tests',
    owner: 'sales-analytics',
    ...more,
  };
}

export function streamPlan(pipeline: string, more: Partial<StreamPlan> = {}): StreamPlan {
  return {
    pipeline,
    stream: 'live',
    engine: 'flink',
    cluster: 'flink',
    specHash: 'spec-1',
    owner: 'sales-analytics',
    job: { module: 'flink', mainClass: 'dev.sluice.test.Stream', args: {} },
    inputs: [{ name: 'sales', topic: 'sales.raw' }],
    outputs: [{ name: 'city_sales_live', topic: 'results.city-sales-live' }],
    resources: { parallelism: 1 },
    upgrade: 'last-state',
    restart: { attempts: 2, windowMs: 600_000, backoffMs: 20, maxBackoffMs: 100 },
    startTimeoutMs: 60_000,
    ...more,
  };
}

export function runRef(pipeline: string, partition = '1997-01-02'): RunRef {
  return {
    workflowId: `run/${pipeline}/${partition}`,
    firstRunId: 'first-run',
    runId: 'first-run',
    pipeline,
    partition,
    from: partition,
    to: '1997-01-03',
    trigger: 'api',
    specHash: 'spec-1',
    params: {},
    lineageRunId: '00000000-0000-7000-8000-000000000001',
  };
}
