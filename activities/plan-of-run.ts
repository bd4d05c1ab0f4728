/** From a declared pipeline and a request to the plan that stays in the run's history. */
import { fillArgs } from '../pipelines/templates.js';
import type { Stage } from '../pipelines/pipeline.js';
import type { EngineKind, RunPlan, RunRef, StagePlan, TablePlan } from '../workflows/contracts/plans.js';
import type { RunRequest } from './requests.js';

export function planOfRun(
  request: RunRequest,
  run: Omit<RunRef, 'pipeline' | 'partition' | 'from' | 'to' | 'trigger' | 'specHash' | 'params'>,
  clusters: Record<EngineKind, string>,
): RunPlan {
  const { pipeline, partition, params, trigger } = request;
  const ref: RunRef = {
    ...run,
    pipeline: pipeline.name,
    partition: partition.text,
    from: partition.from,
    to: partition.to,
    trigger,
    specHash: pipeline.specHash,
    params,
  };
  const stages = pipeline.stageLevels.flat().flatMap((name) => pipeline.stages[name] ?? []);
  const checks = Object.entries(pipeline.checks).flatMap(([table, list]) => list.map((check) => ({ table, check })));
  return {
    run: ref,
    stages: stages.map((stage) => planOfStage(stage, ref, clusters)),
    tables: Object.values(pipeline.curated).flatMap((spec): TablePlan[] =>
      spec.mode === 'replace-partition'
        ? [
            {
              table: spec.table,
              stage: spec.stage,
              output: spec.output,
              partitionColumn: spec.partitionBy.column,
              grain: spec.partitionBy.grain,
              columns: spec.columns,
              key: spec.key,
              checks: checks
                .filter(({ table, check }) => table === spec.table && check.type !== 'reconcile')
                .map(({ check }) => check),
            },
          ]
        : [],
    ),
    comparisons: checks.filter(({ check }) => check.type === 'reconcile'),
    onEmpty: pipeline.partition.onEmpty,
    description: pipeline.description,
    owner: pipeline.owner,
  };
}

function planOfStage(stage: Stage, run: RunRef, clusters: Record<EngineKind, string>): StagePlan {
  return {
    name: stage.name,
    engine: stage.engine,
    cluster: clusters[stage.engine],
    job: {
      module: stage.job.module,
      mainClass: stage.job.mainClass,
      args: fillArgs(stage.args, { partition: { from: run.from, to: run.to }, params: run.params }),
      ...(stage.job.sql === undefined ? {} : { sql: stage.job.sql }),
    },
    inputs: Object.entries(stage.inputs).map(([name, input]) => ({
      name,
      ...(input.stage === undefined
        ? { dataset: input.dataset }
        : { fromStage: input.stage, dataset: input.output ?? name }),
    })),
    outputs: Object.entries(stage.outputs).map(([name, { schema }]) => ({ name, columns: schema })),
    resources: stage.resources,
    retry: stage.retry,
    timeoutMs: stage.timeoutMs,
    startTimeoutMs: stage.startTimeoutMs,
    statusTimeoutMs: stage.statusTimeoutMs,
    onCancel: stage.onCancel,
    onOrphan: stage.onOrphan,
    dependsOn: stage.dependsOn,
  };
}
