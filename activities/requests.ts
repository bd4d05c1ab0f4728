/** Reads an untrusted run request (UI, command line, schedule); every refusal says what would be right. */
import { SluiceError } from '../infra/errors.js';
import { listPipelines, loadPipeline } from '../pipelines/load.js';
import { nearest } from '../pipelines/nearest.js';
import { resolveParams } from '../pipelines/params.js';
import { parsePartition, type Partition } from '../pipelines/partition.js';
import type { ArgValue, Pipeline } from '../pipelines/pipeline.js';
import { MAX_INPUT_BYTES, TRIGGERS, type Trigger } from '../workflows/contracts/inputs.js';

export interface RunRequest {
  pipeline: Pipeline;
  partition: Partition;
  params: Record<string, ArgValue>;
  trigger: Trigger;
}

export interface RequestContext {
  pipelinesDir: string;
  nowMs: number;
}

const KEYS = ['pipeline', 'partition', 'params', 'trigger'];
const EXAMPLE = '{"pipeline":"top-sales-per-city","partition":"1998-03-14"}';

const refuse = (why: string): SluiceError => new SluiceError('INVALID_REQUEST', why);

/** Throws INVALID_REQUEST; nothing has been started or written by then. */
export async function readRunRequest(input: unknown, context: RequestContext): Promise<RunRequest> {
  const bytes = Buffer.byteLength(JSON.stringify(input) ?? '');
  if (bytes > MAX_INPUT_BYTES) throw refuse(`the input has ${bytes} bytes; at most ${MAX_INPUT_BYTES} are allowed`);
  if (input === undefined || input === null)
    throw refuse(`the input is empty: give one JSON object such as ${EXAMPLE}`);
  if (Array.isArray(input)) throw refuse(`the input is an array: give one JSON object such as ${EXAMPLE}`);
  if (typeof input !== 'object')
    throw refuse(`the input is a ${typeof input}: give one JSON object such as ${EXAMPLE}`);
  const request = input as Record<string, unknown>;
  for (const key of Object.keys(request)) {
    if (KEYS.includes(key)) continue;
    const near = nearest(key, KEYS);
    throw refuse(
      `unknown key '${key.slice(0, 60)}'${near ? ` (did you mean '${near}'?)` : ''}; known: ${KEYS.join(', ')}`,
    );
  }
  const { pipeline: name, partition, params, trigger } = request;
  if (typeof name !== 'string' || name === '') {
    const known = await listPipelines(context.pipelinesDir);
    throw refuse(`pipeline is missing or no text; known: ${known.join(', ')}`);
  }
  if (trigger !== undefined && !TRIGGERS.includes(trigger as Trigger)) {
    throw refuse(`trigger must be one of ${TRIGGERS.join(', ')}`);
  }
  const pipeline = await loadPipeline(context.pipelinesDir, name);
  if (Object.keys(pipeline.stages).length === 0) {
    throw refuse(`pipeline '${name}' has streams only, nothing to run for a partition`);
  }
  return {
    pipeline,
    partition: parsePartition(partition, { now: new Date(context.nowMs), timeZone: pipeline.timezone }),
    params: resolveParams(pipeline.params, params),
    trigger: (trigger as Trigger | undefined) ?? 'ui',
  };
}

/** Parameters as typed on a command line become values of their declared types; the rest is refused later by name. */
export function typedParams(pipeline: Pipeline, texts: Readonly<Record<string, string>>): Record<string, ArgValue> {
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]): [string, ArgValue] => {
      const type = Object.hasOwn(pipeline.params, name) ? pipeline.params[name]?.type : undefined;
      if ((type === 'int' || type === 'number') && text.trim() !== '' && Number.isFinite(Number(text)))
        return [name, Number(text)];
      if (type === 'boolean' && (text === 'true' || text === 'false')) return [name, text === 'true'];
      return [name, text];
    }),
  );
}
