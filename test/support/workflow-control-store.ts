/** Rows of the control schema for tests that look at one rule at a time. */
import { randomUUID } from 'node:crypto';
import {
  insertIntent,
  recordObservation,
  type EngineJobRow,
  type NewEngineJob,
} from '../../infra/postgres/engine-jobs.js';
import { inTransaction, type Pool } from '../../infra/postgres/pool.js';
import { insertRun } from '../../infra/postgres/runs.js';
import { testSpec } from './job-specs.js';

export async function addJob(pool: Pool, key: string, more: Partial<NewEngineJob> = {}): Promise<boolean> {
  const job: NewEngineJob = {
    key,
    tag: `sluice:test:${key}`,
    engine: 'flink',
    cluster: 'flink',
    kind: 'stage',
    pipeline: 'top-sales-per-city',
    part: 'daily',
    partition: '1997-01-02',
    ownerWorkflowId: `run/${key}`,
    ownerFirstRunId: `first-${key}`,
    submission: 1,
    spec: testSpec('flink', key),
    facts: {},
    lineageRunId: randomUUID(),
    ...more,
  };
  return inTransaction(pool, (client) => insertIntent(client, job));
}

/** A job that its owner has submitted and seen running. */
export async function addRunningJob(pool: Pool, key: string, more: Partial<NewEngineJob> = {}): Promise<EngineJobRow> {
  await addJob(pool, key, more);
  const seen = { state: 'running', nativeState: 'RUNNING', terminal: false, engineJobId: `fake-${key}` };
  return (await recordObservation(pool, key, seen, { acknowledge: true, submitted: true })) as EngineJobRow;
}

export async function addRun(pool: Pool, workflowId: string, partition: string): Promise<void> {
  const [from = '', to = from] = partition.split('/');
  const run = { workflowId, firstRunId: `first of ${workflowId}`, runId: 'r', pipeline: 'p', partition, from, to };
  const rest = { trigger: 'api', specHash: 'h', params: {}, lineageRunId: randomUUID(), facts: {} };
  await inTransaction(pool, (client) => insertRun(client, { ...run, ...rest }));
}
