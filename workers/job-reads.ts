/** What can be read of engine jobs: the submissions of a run or stream, and the log of one, from its engine or as it was kept. */
import { LOG_BYTES } from '../activities/job-logs.js';
import { handleOf } from '../activities/job-handle.js';
import { lastLines, readableLog } from '../activities/log-text.js';
import type { Engines } from '../engines/registry.js';
import type { EngineName } from '../engines/port.js';
import { SluiceError } from '../infra/errors.js';
import type { EngineJobRow } from '../infra/postgres/engine-jobs.js';
import {
  findRuns,
  knownIds,
  MAX_LOG_TRIES,
  submissionsOfRun,
  submissionsOfStream,
} from '../infra/postgres/job-logs.js';
import type { Pool } from '../infra/postgres/pool.js';
import type { ObjectStore } from '../infra/s3/object-store.js';
import { suggestion } from '../pipelines/nearest.js';

/** Ids named to somebody who asked for one that is not known. */
const IDS_NAMED = 10;

/** The newest life of a run or stream, with all its submissions in order. */
export interface SeenJobs {
  workflowId: string;
  kind: 'run' | 'stream';
  /** As the run's book has it. */
  state?: string;
  message?: string | null;
  submissions: EngineJobRow[];
}

/** `text` is empty when there is none, and `reason` then says why. */
export interface SeenLog {
  from: 'engine' | 'kept' | 'none';
  text: string;
  url?: string;
  reason?: string;
}

export interface JobReads {
  /** Takes a workflow id or `<pipeline>/<partition or stream>`; INVALID_REQUEST names what is known. */
  find(text: string): Promise<SeenJobs>;
  /** Asks the engine while the job has not ended or its log is not kept yet. */
  logOf(row: EngineJobRow, maxBytes: number, signal?: AbortSignal): Promise<SeenLog>;
}

export function createJobReads(deps: { pool: Pool; objects: ObjectStore; engine: Engines }): JobReads {
  const { pool } = deps;

  async function streamOf(workflowId: string): Promise<SeenJobs | undefined> {
    const submissions = await submissionsOfStream(pool, workflowId);
    return submissions.length > 0 ? { workflowId, kind: 'stream', submissions } : undefined;
  }

  async function fromEngine(row: EngineJobRow, maxBytes: number, signal?: AbortSignal): Promise<SeenLog> {
    const port = deps.engine(row.engine as EngineName, row.cluster);
    const text = readableLog(await port.logs(handleOf(row), maxBytes, signal), maxBytes);
    return text === '' ? none(`${row.engine} gives no log of it (state ${row.state})`) : { from: 'engine', text };
  }

  return {
    async find(text) {
      const runs = await findRuns(pool, text);
      const exact = runs.filter((run) => run.workflow_id === text || run.workflow_id === `run/${text}`);
      const candidates = exact.length > 0 ? exact : runs;
      const stream = (await streamOf(text)) ?? (await streamOf(`stream/${text}`));
      const ids = [...candidates.map((run) => run.workflow_id), ...(stream ? [stream.workflowId] : [])];
      if (ids.length > 1) {
        const named = ids.slice(0, IDS_NAMED).join(', ');
        throw new SluiceError('INVALID_REQUEST', `'${text}' can be one of ${ids.length}: give the whole id: ${named}`);
      }
      if (stream) return stream;
      const [run] = candidates;
      if (run === undefined) throw await unknownRun(pool, text);
      const { workflow_id: workflowId, state, message } = run;
      return { workflowId, kind: 'run', state, message, submissions: await submissionsOfRun(pool, run) };
    },

    async logOf(row, maxBytes, signal) {
      if (row.submitted_at === null) return none('it never reached its engine');
      if (row.ended_at === null) return fromEngine(row, maxBytes, signal);
      if (row.log_kept_at === null) {
        const now = await fromEngine(row, maxBytes, signal);
        return now.from === 'none' ? none('the engine gives none, and none is kept yet') : now;
      }
      if (row.log_url === null) {
        const inVain = row.log_tries >= MAX_LOG_TRIES;
        return none(inVain ? `it was asked for ${row.log_tries} times in vain` : 'the engine had none when it ended');
      }
      const kept = await deps.objects.getText(row.log_url, signal);
      return kept === undefined
        ? none(`the kept copy ${row.log_url} is gone`)
        : { from: 'kept', url: row.log_url, text: lastLines(kept, maxBytes) };
    },
  };
}

/** The longest log that can be had of a job that has ended. */
export const MAX_SHOWN_BYTES = LOG_BYTES;

const none = (reason: string): SeenLog => ({ from: 'none', text: '', reason });

async function unknownRun(pool: Pool, text: string): Promise<SluiceError> {
  const { runs, streams } = await knownIds(pool, IDS_NAMED);
  const known = [...runs, ...streams];
  const says = known.length === 0 ? ': nothing has run yet' : suggestion(text, known);
  return new SluiceError('INVALID_REQUEST', `no run or stream '${text}'${says}`);
}

/** The submission that is meant: of the stage asked for, else of the only stage, else of the only one that failed. */
export function pickSubmission(
  jobs: SeenJobs,
  wanted: { stage?: string | undefined; submission?: number | undefined },
): EngineJobRow | undefined {
  const { submissions } = jobs;
  if (submissions.length === 0 && wanted.submission === undefined && wanted.stage === undefined) return undefined;
  const stage = wanted.stage ?? stageMeant(jobs);
  const ofStage = submissions.filter((row) => row.part === stage);
  if (ofStage.length === 0) {
    const names = namesOf(submissions);
    const says = names.length === 0 ? 'it has made no submission' : `known are ${names.join(', ')}`;
    throw new SluiceError('INVALID_REQUEST', `${jobs.workflowId} has submitted nothing for '${stage}': ${says}`);
  }
  const { submission } = wanted;
  // A stage that was run again counts from one again: the newest one of that number is meant.
  const found = submission === undefined ? ofStage.at(-1) : ofStage.findLast((row) => row.submission === submission);
  if (found) return found;
  const numbers = [...new Set(ofStage.map((row) => row.submission))].sort((a, b) => a - b);
  throw new SluiceError('INVALID_REQUEST', `${stage} has no submission ${submission}: known are ${numbers.join(', ')}`);
}

function stageMeant({ workflowId, submissions }: SeenJobs): string {
  const names = namesOf(submissions);
  const failed = names.filter((name) => {
    const state = submissions.findLast((row) => row.part === name)?.state;
    return state === 'failed' || state === 'lost';
  });
  const [only, ...more] = names.length === 1 ? names : failed;
  if (only !== undefined && more.length === 0) return only;
  throw new SluiceError('INVALID_REQUEST', `name the stage of ${workflowId}: ${names.join(', ') || 'it has none'}`);
}

const namesOf = (rows: readonly EngineJobRow[]): string[] => [...new Set(rows.map((row) => row.part))];
