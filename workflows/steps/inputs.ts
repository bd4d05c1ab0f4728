/** Guards of workflow inputs: whatever a person types in the Temporal UI is refused at once, with the right form. */
import { fail } from './failures.js';

const ENGINES = ['flink', 'spark', 'kafka-streams'];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Fails with INVALID_REQUEST unless the input is one object in which each of these keys holds some text. */
export function requireTexts(input: unknown, keys: readonly string[], example: string): void {
  const refuse = (why: string): never => {
    throw fail('INVALID_REQUEST', `${why}: give one JSON object such as ${example}`);
  };
  if (input === undefined || input === null) refuse('the input is empty');
  if (!isObject(input)) return refuse(`the input is ${Array.isArray(input) ? 'an array' : `a ${typeof input}`}`);
  for (const key of keys) {
    const value = input[key];
    if (typeof value !== 'string' || value.trim() === '') refuse(`${key} is missing or no text`);
  }
  if (input['carry'] !== undefined && !isObject(input['carry'])) refuse('carry is no object');
}

export function requireEngine(input: { engine: unknown }): void {
  if (ENGINES.includes(String(input.engine))) return;
  throw fail('INVALID_REQUEST', `engine '${String(input.engine).slice(0, 60)}' is none of ${ENGINES.join(', ')}`);
}

const RUN_TEXTS = ['workflowId', 'firstRunId', 'runId', 'pipeline', 'partition', 'from', 'to', 'lineageRunId'];
const STAGE_TEXTS = ['name', 'engine', 'cluster'];
const STAGE_NUMBERS = ['timeoutMs', 'startTimeoutMs'];

/** An engine job is only ever started by a run, which knows all of its input. */
export function requireEngineJob(input: unknown): void {
  const whole = isObject(input) && isObject(input['run']) && isObject(input['stage']) ? input : undefined;
  const run = whole?.['run'] as Record<string, unknown> | undefined;
  const stage = whole?.['stage'] as Record<string, unknown> | undefined;
  const texts = (of: Record<string, unknown> | undefined, keys: readonly string[]): boolean =>
    keys.every((key) => typeof of?.[key] === 'string');
  const fits =
    texts(run, RUN_TEXTS) &&
    texts(stage, STAGE_TEXTS) &&
    STAGE_NUMBERS.every((key) => typeof stage?.[key] === 'number') &&
    isObject(stage?.['retry']);
  if (fits) return requireEngine({ engine: stage?.['engine'] });
  throw fail(
    'INVALID_REQUEST',
    'engineJob is started by a run with {"run":{…},"stage":{…}}: start pipelineRun instead, with one JSON object such as ' +
      '{"pipeline":"top-sales-per-city","partition":"1998-03-14"}',
  );
}
