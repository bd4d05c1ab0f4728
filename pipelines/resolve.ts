/** Turns a parsed pipeline and the text of its SQL files into the resolved form, reporting what does not fit. */
import { crossCheck } from './cross-checks.js';
import { topologicalLevels } from './dag.js';
import type { Report } from './declared.js';
import { contentHash } from './hash.js';
import { batchOrigin, LAKE, streamOrigin } from './origins.js';
import type { CuratedTableSpec, EngineName, Pipeline, ResolvedJob, Stage, StageInput, Stream } from './pipeline.js';
import type { ParsedPipeline, ParsedStage, ParsedStream } from './schema.js';

/** Text of an SQL file, or undefined when there is none. */
export type SqlText = (file: string) => string | undefined;

const SQL_RUNNERS: Record<'flink' | 'spark', string> = {
  flink: 'dev.sluice.flink.SqlRunner',
  spark: 'dev.sluice.spark.SqlRunner',
};

interface Context {
  report: Report;
  sqlText: SqlText;
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
}

function resolveJob(
  { report, sqlText }: Context,
  path: (string | number)[],
  engine: EngineName,
  job: ParsedStage['job'] | ParsedStream['job'],
): ResolvedJob {
  const file = job.sql;
  const sql = file === undefined ? undefined : sqlText(file);
  if (file !== undefined && sql === undefined)
    report([...path, 'sql'], `no such file in the pipeline's folder: ${file}`);
  if (sql?.trim() === '') report([...path, 'sql'], `${file} is empty`);
  const mainClass = 'mainClass' in job ? job.mainClass : SQL_RUNNERS[engine === 'flink' ? 'flink' : 'spark'];
  return withoutUndefined({ module: engine, mainClass, sqlFile: file, sql });
}

function resolveInputs(stage: ParsedStage): Record<string, StageInput> {
  return Object.fromEntries(
    Object.entries(stage.inputs).map(([name, { dataset }]) => {
      const [owner, output] = dataset.split('/') as [string, string];
      return [name, owner === LAKE ? { dataset } : { dataset, stage: owner, output }];
    }),
  );
}

function resolveStage(context: Context, name: string, stage: ParsedStage): Stage {
  const inputs = resolveInputs(stage);
  const dependsOn = [...Object.values(inputs).flatMap((input) => input.stage ?? []), ...stage.after];
  const resolved = withoutUndefined({
    name,
    engine: stage.engine,
    description: stage.description,
    job: resolveJob(context, ['stages', name, 'job'], stage.engine, stage.job),
    args: stage.args,
    inputs,
    outputs: stage.outputs,
    resources: stage.resources,
    retry: {
      attempts: stage.retry.attempts,
      backoffMs: stage.retry.backoff,
      maxBackoffMs: stage.retry.maxBackoff,
      on: [...new Set(stage.retry.on)].sort(),
      memoryFactor: stage.retry.memoryFactor,
      memoryCap: stage.retry.memoryCap,
    },
    timeoutMs: stage.timeout,
    startTimeoutMs: stage.startTimeout,
    statusTimeoutMs: stage.statusTimeout,
    onCancel: stage.onCancel,
    onOrphan: stage.onOrphan ?? stage.onCancel,
    dependsOn: [...new Set(dependsOn)].sort(),
  });
  return { ...resolved, specHash: contentHash(resolved) };
}

function resolveStream(context: Context, name: string, stream: ParsedStream): Stream {
  const resolved = withoutUndefined({
    name,
    engine: stream.engine,
    description: stream.description,
    job: resolveJob(context, ['streams', name, 'job'], stream.engine, stream.job),
    args: stream.args,
    inputs: stream.inputs,
    outputs: Object.fromEntries(Object.entries(stream.outputs).map(([key, value]) => [key, withoutUndefined(value)])),
    resources: withoutUndefined(
      stream.engine === 'flink'
        ? { ...stream.resources, parallelism: stream.resources.parallelism ?? 1 }
        : { ...stream.resources, instances: stream.resources.instances ?? 1 },
    ),
    restart: {
      attempts: stream.restart.attempts,
      windowMs: stream.restart.window,
      backoffMs: stream.restart.backoff,
      maxBackoffMs: stream.restart.maxBackoff,
    },
    upgrade: stream.upgrade,
    startTimeoutMs: stream.startTimeout,
    onCancel: stream.onCancel,
    onOrphan: stream.onOrphan,
  });
  return { ...resolved, specHash: contentHash(resolved) };
}

function resolveTable(pipeline: ParsedPipeline, table: string): CuratedTableSpec {
  const spec = pipeline.curated[table] as ParsedPipeline['curated'][string];
  const common = { table, description: spec.description, key: spec.key, columns: spec.columns };
  if (spec.mode === 'replace-partition') {
    const origin = batchOrigin(pipeline, table, spec.from) ?? { stage: '', output: '' };
    return withoutUndefined({ ...common, mode: spec.mode, ...origin, partitionBy: spec.partitionBy });
  }
  const stream = streamOrigin(pipeline, spec.topic)?.stream ?? '';
  return withoutUndefined({ ...common, mode: spec.mode, topic: spec.topic, stream, replaceBy: spec.replaceBy });
}

/** The result is complete only if nothing was reported. */
export function resolvePipeline(parsed: ParsedPipeline, report: Report, sqlText: SqlText): Pipeline {
  crossCheck(parsed, report);
  const context: Context = { report, sqlText };
  const stages = Object.fromEntries(
    Object.entries(parsed.stages).map(([name, stage]) => [name, resolveStage(context, name, stage)]),
  );
  const streams = Object.fromEntries(
    Object.entries(parsed.streams).map(([name, stream]) => [name, resolveStream(context, name, stream)]),
  );
  const order = topologicalLevels(Object.values(stages));
  if (!order.ok)
    report(['stages', order.cycle[0] as string], `stages wait for each other: ${order.cycle.join(' -> ')}`, 'key');
  const { schedule } = parsed;
  const resolved = withoutUndefined({
    name: parsed.name,
    owner: parsed.owner,
    description: parsed.description.trim(),
    timezone: parsed.timezone,
    partition: parsed.partition,
    schedule: schedule && {
      cron: schedule.cron,
      overlap: schedule.overlap,
      catchupWindowMs: schedule.catchupWindow,
      jitterMs: schedule.jitter,
      paused: schedule.paused,
    },
    params: parsed.params,
    sources: parsed.sources,
    stages,
    streams,
    checks: parsed.checks,
    curated: Object.fromEntries(Object.keys(parsed.curated).map((table) => [table, resolveTable(parsed, table)])),
    freshness: parsed.freshness,
    stageLevels: order.ok ? order.levels : [],
  });
  return { ...resolved, specHash: contentHash(resolved) };
}
