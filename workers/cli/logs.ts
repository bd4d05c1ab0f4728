/** `sluice logs RUN [STAGE]`: every submission of a run or stream, and the log of one, also when its engine has forgotten it. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { isSluiceError, SluiceError } from '../../infra/errors.js';
import type { EngineJobRow } from '../../infra/postgres/engine-jobs.js';
import { createObjectStore } from '../../infra/s3/object-store.js';
import { projectRoot } from '../deps.js';
import { wireEngines } from '../engines.js';
import {
  createJobReads,
  MAX_SHOWN_BYTES,
  pickSubmission,
  type JobReads,
  type SeenJobs,
  type SeenLog,
} from '../job-reads.js';
import { s3Of } from '../s3.js';
import { print, printJson, printTable } from './output.js';
import { withSession } from './session.js';

interface LogOptions {
  submission?: string;
  bytes: string;
  json?: boolean;
}

const DEFAULT_BYTES = 64 * 1024;

export function addLogsCommand(program: Command): void {
  program
    .command('logs')
    .description('list the submissions of a run or stream, and print the log of one')
    .argument('<run>', 'id of a run or stream, or <pipeline>/<partition>, <pipeline>/<stream>')
    .argument('[stage]', 'stage of the run; default the only one, or the one that failed')
    .option('--submission <n>', 'number of the submission; default the last one of the stage')
    .option('--bytes <n>', `end of the log to show, at most ${MAX_SHOWN_BYTES}`, String(DEFAULT_BYTES))
    .option('--json', 'print one JSON object')
    .action(async (run: string, stage: string | undefined, options: LogOptions) => {
      const submission = options.submission === undefined ? undefined : wholeNumber('--submission', options.submission);
      const bytes = wholeNumber('--bytes', options.bytes, MAX_SHOWN_BYTES);
      await withJobReads(async (reads) => {
        const jobs = await reads.find(run);
        const row = pickSubmission(jobs, { stage, submission });
        const log = row === undefined ? undefined : await tellLog(reads, row, bytes);
        if (options.json) printJson(forPrograms(jobs, row, log));
        else show(jobs, row, log);
        if (log?.error !== undefined) process.exitCode = 1;
      });
    });
}

async function withJobReads(work: (reads: JobReads) => Promise<void>): Promise<void> {
  await withSession(async ({ config, pool }) => {
    const s3 = s3Of(config);
    const objects = createObjectStore(s3);
    const engine = wireEngines(config, projectRoot(), pool, objects, process.env['PATH'] ?? '');
    try {
      await work(createJobReads({ pool, objects, engine }));
    } finally {
      s3.destroy();
    }
  });
}

type ToldLog = SeenLog & { error?: { code: string; message: string } };

/** An engine or a store that does not answer takes nothing away from what is known of the submissions. */
async function tellLog(reads: JobReads, row: EngineJobRow, bytes: number): Promise<ToldLog> {
  try {
    return await reads.logOf(row, bytes);
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    const { code, message } = error;
    return { from: 'none', text: '', reason: message, error: { code, message } };
  }
}

function wholeNumber(option: string, text: string, max = Number.MAX_SAFE_INTEGER): number {
  const value = /^[1-9]\d{0,14}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? 'from 1' : `from 1 to ${max}`;
  throw new SluiceError('INVALID_REQUEST', `${option} ${text}: give a whole number ${range}`);
}

function forPrograms(jobs: SeenJobs, row: EngineJobRow | undefined, log: ToldLog | undefined) {
  const { workflowId, kind, state, message } = jobs;
  return {
    ok: log?.error === undefined,
    ...(log?.error === undefined ? {} : { error: log.error }),
    run: { workflowId, kind, state: state ?? null, message: message ?? null },
    submissions: jobs.submissions.map((one) => ({
      stage: one.part,
      submission: one.submission,
      key: one.key,
      engine: one.engine,
      cluster: one.cluster,
      engineJobId: one.engine_job_id,
      state: one.state,
      nativeState: one.native_state,
      settled: one.settled,
      blame: one.blame,
      reason: one.reason,
      link: one.link,
      intentAt: one.intent_at,
      submittedAt: one.submitted_at,
      endedAt: one.ended_at,
      logUrl: one.log_url,
    })),
    log:
      row === undefined || log === undefined
        ? null
        : {
            stage: row.part,
            submission: row.submission,
            from: log.from,
            url: log.url ?? null,
            text: log.text,
            reason: log.reason ?? null,
          },
  };
}

function show(jobs: SeenJobs, row: EngineJobRow | undefined, log: ToldLog | undefined): void {
  const ended = jobs.state === undefined ? '' : `: ${jobs.state}${jobs.message ? `, ${jobs.message}` : ''}`;
  print(`${jobs.workflowId}${ended}`);
  if (row === undefined || log === undefined) {
    print('no log: it has submitted no job');
    return;
  }
  printTable(
    ['stage', 'submission', 'engine', 'engine id', 'state', 'blame', 'intent', 'ended'],
    jobs.submissions.map((one) => [
      one.part,
      one.submission,
      one.engine,
      one.engine_job_id,
      one.state,
      one.blame,
      one.intent_at,
      one.ended_at,
    ]),
  );
  for (const one of jobs.submissions) {
    for (const text of [one.reason, one.link]) if (text) print(`${one.part} ${one.submission}: ${text}`);
  }
  const name = `${row.part}, submission ${row.submission}`;
  if (log.from === 'none') {
    print(`\nno log of ${name}: ${log.reason}`);
    return;
  }
  print(`\nlog of ${name} (${log.url ?? `as ${join(row.engine, row.cluster)} has it now`})`);
  print(log.text.replace(/\n$/, ''));
}
