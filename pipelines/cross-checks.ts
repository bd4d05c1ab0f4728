/** Rules between the parts of one pipeline: what is named must exist, and two descriptions of one thing must agree. */
import { checkChecks, checkParams } from './cross-checks-values.js';
import type { Report } from './declared.js';
import { suggestion } from './nearest.js';
import { batchOrigin, LAKE, sourceTopic, streamOrigin } from './origins.js';
import type { ParsedPipeline, ParsedStage, ParsedStream, ParsedTable } from './schema.js';
import { templateNames } from './templates.js';

type Columns = Readonly<Record<string, string>>;

function compareColumns(report: Report, path: (string | number)[], have: Columns, want: Columns, where: string): void {
  for (const [column, type] of Object.entries(have)) {
    const other = want[column];
    if (other === undefined) {
      report([...path, column], `${where} has no column '${column}'${suggestion(column, Object.keys(want))}`, 'key');
    } else if (other !== type) report([...path, column], `${type} here, ${other} in ${where}`);
  }
  const missing = Object.keys(want).filter((column) => !(column in have));
  if (missing.length > 0) report(path, `missing ${missing.join(', ')}, which ${where} has`, 'key');
}

function checkTemplates(
  pipeline: ParsedPipeline,
  path: (string | number)[],
  args: Readonly<Record<string, unknown>>,
  withPartition: boolean,
  report: Report,
): void {
  const known = [
    ...(withPartition ? ['partition.from', 'partition.to'] : []),
    ...Object.keys(pipeline.params).map((name) => `params.${name}`),
  ];
  for (const [arg, value] of Object.entries(args)) {
    if (typeof value !== 'string') continue;
    for (const name of templateNames(value)) {
      if (!known.includes(name)) report([...path, arg], `nothing is called '{{${name}}}'${suggestion(name, known)}`);
    }
  }
}

function checkStage(pipeline: ParsedPipeline, name: string, stage: ParsedStage, report: Report): void {
  const path = ['stages', name];
  if (name === LAKE) report(path, `'${LAKE}' is taken: it names the lake in datasets`, 'key');
  if (Object.keys(stage.outputs).length === 0) report([...path, 'outputs'], 'names no output', 'key');
  for (const [input, { dataset }] of Object.entries(stage.inputs)) {
    const [owner, output] = dataset.split('/') as [string, string];
    const at = [...path, 'inputs', input, 'dataset'];
    if (owner === LAKE) {
      if (!pipeline.sources.includes(output)) {
        report(at, `'${output}' is not among the sources${suggestion(output, pipeline.sources)}`);
      }
      continue;
    }
    const writer = pipeline.stages[owner];
    if (!writer) report(at, `no stage '${owner}'${suggestion(owner, [LAKE, ...Object.keys(pipeline.stages)])}`);
    else if (!(output in writer.outputs)) {
      report(at, `stage '${owner}' has no output '${output}'${suggestion(output, Object.keys(writer.outputs))}`);
    }
  }
  for (const [index, other] of stage.after.entries()) {
    if (!(other in pipeline.stages)) {
      report([...path, 'after', index], `no stage '${other}'${suggestion(other, Object.keys(pipeline.stages))}`);
    }
  }
  checkTemplates(pipeline, [...path, 'args'], stage.args, true, report);
}

function checkStream(pipeline: ParsedPipeline, name: string, stream: ParsedStream, report: Report): void {
  const path = ['streams', name];
  const { job, resources, engine } = stream;
  if ('jar' in job && job.jar !== engine) report([...path, 'job', 'jar'], `'${job.jar}' is not the engine '${engine}'`);
  if (!('jar' in job) && engine !== 'flink') report([...path, 'job'], `${engine} runs no SQL: want jar and mainClass`);
  if (engine === 'flink' && resources.instances !== undefined) {
    report([...path, 'resources', 'instances'], 'flink has no instances: want parallelism', 'key');
  }
  if (engine === 'kafka-streams' && resources.parallelism !== undefined) {
    report([...path, 'resources', 'parallelism'], 'kafka-streams has no parallelism: want instances', 'key');
  }
  const others = Object.entries(pipeline.streams).filter(([other]) => other !== name);
  const topics = [
    ...pipeline.sources.map(sourceTopic),
    ...others.flatMap(([, other]) => Object.values(other.outputs).map(({ topic }) => topic)),
  ];
  for (const [input, { topic }] of Object.entries(stream.inputs)) {
    if (!topics.includes(topic)) {
      report(
        [...path, 'inputs', input, 'topic'],
        `no source or stream writes topic '${topic}'${suggestion(topic, topics)}`,
      );
    }
  }
  for (const [output, { topic }] of Object.entries(stream.outputs)) {
    const twin = others.find(([, other]) => Object.values(other.outputs).some((written) => written.topic === topic));
    if (twin) report([...path, 'outputs', output, 'topic'], `stream '${twin[0]}' writes topic '${topic}' too`);
    if (pipeline.sources.map(sourceTopic).includes(topic)) {
      report([...path, 'outputs', output, 'topic'], `topic '${topic}' belongs to a source`);
    }
  }
  checkTemplates(pipeline, [...path, 'args'], stream.args, false, report);
}

function checkTable(pipeline: ParsedPipeline, table: string, spec: ParsedTable, report: Report): void {
  const path = ['curated', table];
  const columns = Object.keys(spec.columns);
  const mustBeColumns = (field: string, names: readonly string[]): void => {
    for (const [index, name] of names.entries()) {
      if (!columns.includes(name)) report([...path, field, index], `no column '${name}'${suggestion(name, columns)}`);
    }
  };
  mustBeColumns('key', spec.key);
  if (spec.mode === 'replace-partition') {
    const { column } = spec.partitionBy;
    const at = [...path, 'partitionBy', 'column'];
    if (!columns.includes(column)) report(at, `no column '${column}'${suggestion(column, columns)}`);
    else if (spec.columns[column] !== 'date') report(at, `column '${column}' is ${spec.columns[column]}, want date`);
    else if (!spec.key.includes(column)) report(at, `column '${column}' must be part of the key`);
    const stage = spec.from.split('/')[0] as string;
    const origin = batchOrigin(pipeline, table, spec.from);
    if (!(stage in pipeline.stages)) {
      report([...path, 'from'], `no stage '${stage}'${suggestion(stage, Object.keys(pipeline.stages))}`);
    } else if (!origin) {
      const outputs = Object.keys(pipeline.stages[stage]?.outputs ?? {});
      report(
        [...path, 'from'],
        `stage '${stage}' has no output '${spec.from.split('/')[1] ?? table}'${suggestion(table, outputs)}`,
      );
    } else {
      const want = pipeline.stages[origin.stage]?.outputs[origin.output]?.schema ?? {};
      compareColumns(report, [...path, 'columns'], spec.columns, want, `output ${origin.stage}/${origin.output}`);
    }
    return;
  }
  if (spec.replaceBy) {
    mustBeColumns('replaceBy', spec.replaceBy);
    const outside = spec.replaceBy.filter((name) => !spec.key.includes(name));
    if (outside.length > 0) report([...path, 'replaceBy'], `${outside.join(', ')} must be part of the key`);
  }
  const origin = streamOrigin(pipeline, spec.topic);
  if (!origin) {
    const topics = Object.values(pipeline.streams).flatMap(({ outputs }) =>
      Object.values(outputs).map(({ topic }) => topic),
    );
    report([...path, 'topic'], `no stream writes topic '${spec.topic}'${suggestion(spec.topic, topics)}`);
    return;
  }
  const want = pipeline.streams[origin.stream]?.outputs[origin.output]?.schema;
  if (want)
    compareColumns(report, [...path, 'columns'], spec.columns, want, `output ${origin.stream}/${origin.output}`);
}

/** Reports everything in the pipeline that cannot work, as far as one file can tell. */
export function crossCheck(pipeline: ParsedPipeline, report: Report): void {
  checkParams(pipeline, report);
  for (const [name, stage] of Object.entries(pipeline.stages)) checkStage(pipeline, name, stage, report);
  for (const [name, stream] of Object.entries(pipeline.streams)) checkStream(pipeline, name, stream, report);
  for (const [table, spec] of Object.entries(pipeline.curated)) checkTable(pipeline, table, spec, report);
  for (const [table, checks] of Object.entries(pipeline.checks)) checkChecks(pipeline, table, checks, report);
  for (const table of Object.keys(pipeline.freshness)) {
    if (!(table in pipeline.curated)) {
      report(
        ['freshness', table],
        `no curated table '${table}'${suggestion(table, Object.keys(pipeline.curated))}`,
        'key',
      );
    }
  }
  if (Object.keys(pipeline.stages).length + Object.keys(pipeline.streams).length === 0) {
    report([], 'declares neither stages nor streams');
  }
}
