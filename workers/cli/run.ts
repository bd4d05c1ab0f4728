/** `sluice run <pipeline> --partition <day | from/to>`: starts a run, and waits for it if asked. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { SluiceError } from '../../infra/errors.js';
import { readRunRequest, typedParams } from '../../activities/requests.js';
import { loadPipeline } from '../../pipelines/load.js';
import { MAX_INPUT_BYTES, type PipelineRunInput } from '../../workflows/contracts/inputs.js';
import { pipelinesDir } from '../deps.js';
import { print, printJson, say } from './output.js';
import { workflowUrl } from '../urls.js';
import { withSession } from './session.js';

interface RunOptions {
  partition?: string;
  param: string[];
  input?: string;
  wait?: boolean;
  json?: boolean;
}

export function addRunCommand(program: Command): void {
  program
    .command('run')
    .description('start a run of a pipeline for a day or a half-open range of days')
    .argument('[pipeline]', 'name of the pipeline')
    .option('-p, --partition <partition>', 'a day 1998-03-14, or a half-open range 1997-01-01/1998-12-31')
    .option('--param <name=value>', 'a parameter of the pipeline; repeat for more', collect, [])
    .option('--input <file>', 'read the whole run request as JSON from a file (- for standard input)')
    .option('-w, --wait', 'wait until the run has ended; exit code 1 when it failed')
    .option('--json', 'print one JSON object on stdout')
    .action(async (pipeline: string | undefined, options: RunOptions) => {
      const input = requestOf(pipeline, options);
      await withSession(async ({ config, control }) => {
        const request = await typed(input, pipelinesDir(config), options.input === undefined);
        const run = await control.startRun(request);
        const url = workflowUrl(config, run.workflowId, run.runId);
        say(`started ${run.workflowId}${url ? `\n${url}` : ''}`);
        if (!options.wait) {
          if (options.json) printJson({ ...run, url });
          else print(run.workflowId);
          return;
        }
        let last = '';
        const outcome = await control.waitRun(run, (progress) => {
          const stages = Object.entries({ ...progress.stages, ...progress.tables }).map(
            ([name, text]) => `${name}: ${text}`,
          );
          const line = [progress.state, ...stages, progress.note].filter(Boolean).join(' | ');
          if (line !== last) say(line);
          last = line;
        });
        if (options.json) printJson({ ...run, url, ...outcome });
        else if (outcome.ok) print(JSON.stringify(outcome.result, null, 2));
        if (!outcome.ok) {
          say(`failed: ${outcome.failure.code}: ${outcome.failure.message}`);
          process.exitCode = 1;
        }
      });
    });
}

/** Refuses here what the run's first activity would refuse, before anything is started. */
async function typed(input: PipelineRunInput, folder: string, fromFlags: boolean): Promise<PipelineRunInput> {
  const texts = input.params as Record<string, string> | undefined;
  const request =
    fromFlags && texts !== undefined
      ? { ...input, params: typedParams(await loadPipeline(folder, input.pipeline), texts) }
      : input;
  const { partition } = await readRunRequest(request, { pipelinesDir: folder, nowMs: Date.now() });
  return { ...request, partition: partition.text };
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function requestOf(pipeline: string | undefined, options: RunOptions): PipelineRunInput {
  if (options.input !== undefined) {
    if (pipeline !== undefined || options.partition !== undefined || options.param.length > 0) {
      throw invalid('--input holds the whole request: give no pipeline, --partition or --param beside it');
    }
    return requestFrom(options.input);
  }
  if (pipeline === undefined) throw invalid('name the pipeline: sluice run <pipeline> --partition <day>');
  if (options.partition === undefined) {
    throw invalid('--partition is missing: a day 1998-03-14, or a half-open range 1997-01-01/1998-12-31');
  }
  const params: Record<string, string> = {};
  for (const pair of options.param) {
    const cut = pair.indexOf('=');
    if (cut < 1) throw invalid(`--param ${pair}: give it as name=value`);
    params[pair.slice(0, cut)] = pair.slice(cut + 1);
  }
  return {
    pipeline,
    partition: options.partition,
    trigger: 'api',
    ...(Object.keys(params).length > 0 ? { params } : {}),
  };
}

function requestFrom(file: string): PipelineRunInput {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw invalid(`--input ${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`);
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_INPUT_BYTES) {
    throw invalid(`the input has ${bytes} bytes; at most ${MAX_INPUT_BYTES} are allowed`);
  }
  let request: unknown;
  try {
    request = JSON.parse(text);
  } catch (error) {
    throw invalid(`--input is not JSON: ${(error as Error).message}`);
  }
  const isObject = typeof request === 'object' && request !== null && !Array.isArray(request);
  return (isObject ? { trigger: 'api', ...(request as object) } : request) as PipelineRunInput;
}

const invalid = (message: string): SluiceError => new SluiceError('INVALID_REQUEST', message);
