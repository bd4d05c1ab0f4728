/** Turns plans into lineage facts: which datasets a run, a stage or a stream reads and writes, under their shared names. */
import { kafkaTopic, postgresTableFromUrl, s3Object } from 'openlineage-client';
import type { DatasetPlan, RunPlan, RunRef, StagePlan } from '../../workflows/contracts/plans.js';
import type { StreamPlan } from '../../workflows/contracts/streams.js';
import type { Settings } from '../deps.js';
import type { DatasetFacts, Execution, RunFacts, StageFacts, StreamFacts } from './facts.js';

type Where = Pick<Settings, 'bucket' | 'kafkaBrokers' | 'databaseUrl'>;

const fieldsOf = (columns: Record<string, string> | undefined): Pick<DatasetFacts, 'fields'> =>
  columns ? { fields: Object.entries(columns).map(([name, type]) => ({ name, type })) } : {};

export function tableFacts(where: Where, table: string, columns?: Record<string, string>): DatasetFacts {
  return { ...postgresTableFromUrl(where.databaseUrl, `curated.${table}`), ...fieldsOf(columns) };
}

/** A lake dataset, a topic, or what another stage of the run wrote. */
export function inputFacts(where: Where, pipeline: string, input: DatasetPlan): DatasetFacts {
  if (input.topic !== undefined) return kafkaTopic(where.kafkaBrokers, input.topic);
  if (input.fromStage !== undefined) return stageOutputFacts(where, pipeline, input.fromStage, input);
  return {
    ...s3Object(`s3://${where.bucket}/${(input.dataset ?? '').replace(/^lake\//, '')}`),
    ...fieldsOf(input.columns),
  };
}

/** Named without the submission key, so that all runs of a stage write the same dataset. */
export function stageOutputFacts(where: Where, pipeline: string, stage: string, output: DatasetPlan): DatasetFacts {
  return { ...s3Object(`s3://${where.bucket}/${pipeline}/${stage}/${output.name}`), ...fieldsOf(output.columns) };
}

export function runFacts(
  where: Where,
  plan: Pick<RunPlan, 'run' | 'stages' | 'tables' | 'owner' | 'description'>,
): RunFacts {
  const { run } = plan;
  const inputs = plan.stages.flatMap((stage) =>
    stage.inputs
      .filter((input) => input.fromStage === undefined)
      .map((input) => inputFacts(where, run.pipeline, input)),
  );
  return {
    ...identity(run),
    owner: plan.owner,
    description: plan.description,
    partition: { from: run.from, to: run.to },
    runId: run.runId,
    specHash: run.specHash,
    trigger: run.trigger,
    inputs,
    outputs: plan.tables.map((table) => tableFacts(where, table.table, table.columns)),
  };
}

const identity = (run: RunRef) => ({ pipeline: run.pipeline, workflowId: run.workflowId, firstRunId: run.firstRunId });

export function stageFacts(
  where: Where,
  runOf: RunFacts,
  run: RunRef,
  stage: StagePlan,
  job: Execution,
  submission: number,
): StageFacts {
  return {
    run: runOf,
    owner: runOf.owner,
    stage: stage.name,
    job,
    submission,
    engine: { name: stage.engine, cluster: stage.cluster },
    ...(stage.job.sql === undefined ? {} : { sql: { query: stage.job.sql, dialect: stage.engine } }),
    version: run.specHash,
    inputs: stage.inputs.map((input) => inputFacts(where, run.pipeline, input)),
    outputs: stage.outputs.map((output) => stageOutputFacts(where, run.pipeline, stage.name, output)),
  };
}

export function streamFacts(
  where: Where,
  stream: StreamPlan,
  at: Execution & { installation: string; generation: number; submission: number; owner: string },
): StreamFacts {
  return {
    ...at,
    pipeline: stream.pipeline,
    stream: stream.stream,
    specHash: stream.specHash,
    engine: { name: stream.engine, cluster: stream.cluster },
    ...(stream.job.sql === undefined ? {} : { sql: { query: stream.job.sql, dialect: stream.engine } }),
    inputs: stream.inputs.map((input) => inputFacts(where, stream.pipeline, input)),
    outputs: stream.outputs.map((output) => inputFacts(where, stream.pipeline, output)),
  };
}
