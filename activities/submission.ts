/** Decides a submission: its key, its tag, and the document that the job gets as its one argument. */
import { createHash } from 'node:crypto';
import type { JobSpec } from '../engines/port.js';
import { SluiceError } from '../infra/errors.js';
import type { PrepareSubmissionInput } from '../workflows/contracts/activities.js';
import type { DatasetPlan } from '../workflows/contracts/plans.js';
import type { StreamPlan } from '../workflows/contracts/streams.js';
import type { OwnerPair } from '../workflows/contracts/ids.js';

/** First 32 hex of sha256 over the owner's workflow id, its first run id and the submission number. */
export const submissionKey = (owner: OwnerPair, submission: number): string =>
  createHash('sha256')
    .update(JSON.stringify([owner.workflowId, owner.firstRunId, submission]))
    .digest('hex')
    .slice(0, 32);

export const submissionTag = (installation: string, key: string): string => `sluice:${installation}:${key}`;

export const streamGroupId = (pipeline: string, stream: string): string => `sluice-${pipeline}-${stream}`;

const asHadoop = (url: string): string => url.replace(/^s3:/, 's3a:');

/** As it is stored; rules for the watcher, for reconcile and for taking over stand beside what the adapter reads. */
export type StoredSpec = JobSpec & {
  upgrade?: StreamPlan['upgrade'];
  /** How long without a usable answer before the owner is told; absent = never. */
  statusTimeoutMs?: number;
  onOrphan: 'kill' | 'leave';
  /** A person's wish is to leave the job running; then it is left by reconcile too. */
  onCancel?: StreamPlan['onCancel'];
  /** Its supervisor was asked to begin without the state of earlier ones. */
  fresh?: true;
};

export interface Submission {
  key: string;
  tag: string;
  spec: StoredSpec;
}

export function decideSubmission(
  request: PrepareSubmissionInput,
  context: { installation: string; bucket: string; kafkaBrokers: string; nowMs: number },
): Submission {
  const key = submissionKey(request.owner, request.submission);
  const tag = submissionTag(context.installation, key);
  const spec =
    request.target.kind === 'stage' ? stageSpec(request, key, tag, context) : streamSpec(request, key, tag, context);
  return { key, tag, spec };
}

type Context = Parameters<typeof decideSubmission>[1];

function stageSpec(request: PrepareSubmissionInput, key: string, tag: string, context: Context): StoredSpec {
  if (request.target.kind !== 'stage') throw new TypeError('not a stage');
  const { run, stage, upstream } = request.target;
  const partition = run.partition.replace('/', '_');
  const outputPrefix = `s3://${context.bucket}/${run.pipeline}/${partition}/${stage.name}/${key}/`;
  const name = `${run.pipeline}/${stage.name} ${run.partition}`;
  const inputPath = (input: DatasetPlan): string => {
    if (input.fromStage === undefined)
      return `s3a://${context.bucket}/${(input.dataset ?? '').replace(/^lake\//, '')}/`;
    const manifest = upstream[input.fromStage];
    if (!manifest)
      throw new SluiceError('MANIFEST_MISSING', `stage ${stage.name}: its input ${input.name} has no manifest yet`);
    return `${asHadoop(manifest.slice(0, manifest.lastIndexOf('/') + 1))}${input.dataset ?? input.name}/`;
  };
  const { memoryMb, driverMemoryMb, ...resources } = stage.resources;
  const scaled = (mb: number): number => Math.round(mb * request.memoryFactor);
  return {
    engine: stage.engine,
    cluster: stage.cluster,
    name,
    tag,
    module: stage.job.module,
    mainClass: stage.job.mainClass,
    resources: {
      ...resources,
      ...(memoryMb === undefined ? {} : { memoryMb: scaled(memoryMb) }),
      ...(driverMemoryMb === undefined ? {} : { driverMemoryMb: scaled(driverMemoryMb) }),
    },
    outputPrefix,
    onOrphan: stage.onOrphan ?? 'kill',
    ...(stage.onCancel === undefined ? {} : { onCancel: stage.onCancel }),
    ...(stage.statusTimeoutMs === undefined ? {} : { statusTimeoutMs: stage.statusTimeoutMs }),
    intentAtMs: context.nowMs,
    document: {
      key,
      tag,
      name,
      pipeline: run.pipeline,
      stage: stage.name,
      partition: { from: run.from, to: run.to },
      params: { ...run.params, ...stage.job.args },
      ...(stage.job.sql === undefined ? {} : { sql: stage.job.sql }),
      inputs: stage.inputs.map((input) => ({ name: input.name, format: 'parquet', path: inputPath(input) })),
      outputs: stage.outputs.map((output) => ({
        name: output.name,
        format: 'parquet',
        path: `${asHadoop(outputPrefix)}${output.name}/`,
      })),
      claim: `${asHadoop(outputPrefix)}_claim`,
      manifest: `${asHadoop(outputPrefix)}_manifest.json`,
    },
  };
}

function streamSpec(request: PrepareSubmissionInput, key: string, tag: string, context: Context): StoredSpec {
  if (request.target.kind !== 'stream') throw new TypeError('not a stream');
  const { stream, generation } = request.target;
  const name = `${stream.pipeline}/${stream.stream} generation ${generation}`;
  const groupId = streamGroupId(stream.pipeline, stream.stream);
  return {
    engine: stream.engine,
    cluster: stream.cluster,
    name,
    tag,
    module: stream.job.module,
    mainClass: stream.job.mainClass,
    resources: stream.resources,
    upgrade: stream.upgrade,
    onOrphan: stream.onOrphan ?? 'leave',
    ...(stream.onCancel === undefined ? {} : { onCancel: stream.onCancel }),
    ...(request.fresh === true ? { fresh: true as const } : {}),
    ...(request.restoreFrom === undefined ? {} : { restoreFrom: request.restoreFrom }),
    intentAtMs: context.nowMs,
    document: {
      key,
      tag,
      name,
      pipeline: stream.pipeline,
      stream: stream.stream,
      generation,
      kafka: { bootstrapServers: context.kafkaBrokers },
      groupId,
      applicationId: groupId,
      inputs: stream.inputs.map(({ name: input, topic }) => ({ name: input, topic })),
      outputs: stream.outputs.map(({ name: output, topic }) => ({ name: output, topic })),
      params: stream.job.args,
      ...(stream.job.sql === undefined ? {} : { sql: stream.job.sql }),
    },
  };
}
