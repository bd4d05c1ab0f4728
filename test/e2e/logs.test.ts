/** Logs as people ask for them: of a run that fails by its own SQL, also when its engine has forgotten it, and of a stream that runs. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { layout } from '../../infra/local/index.js';
import { sluice } from '../support/cli.js';
import { e2eEnv, SKIP } from '../support/e2e.js';
import { eventually } from '../support/wait-for.js';
import { PIPELINES } from '../support/workflow-deps.js';

const PIPELINE = 'top-sales-per-city';
const DAY = '1998-05-12';
const RUN = `run/${PIPELINE}/${DAY}`;
const WRONG_COLUMN = 'amount_of_nothing';

interface Logs {
  ok: boolean;
  run: { workflowId: string; kind: string; state: string | null };
  submissions: {
    stage: string;
    submission: number;
    engineJobId: string;
    state: string;
    blame: string;
    reason: string;
    link: string;
    logUrl: string | null;
  }[];
  log: { stage: string; submission: number; from: string; url: string | null; text: string; reason: string | null };
}

describe('logs', { skip: SKIP }, () => {
  const { home } = e2eEnv();
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-test-pipelines-'));
    await cp(PIPELINES, folder, { recursive: true });
    const sql = join(folder, PIPELINE, 'daily.spark.sql');
    const text = await readFile(sql, 'utf8');
    const broken = text.replace('SUM(amount)', `SUM(${WRONG_COLUMN})`);
    assert.notEqual(broken, text);
    await writeFile(sql, broken);
    await up({ SLUICE_PIPELINES_DIR: folder });
  });
  after(async () => {
    await up({});
    await rm(folder, { recursive: true, force: true });
  });

  /** Gives the stack's workers other settings; they are replaced when these differ. */
  async function up(env: Record<string, string>): Promise<void> {
    const { code, stderr } = await sluice(['up'], { home, env });
    assert.equal(code, 0, stderr);
  }
  async function logs(...args: string[]): Promise<Logs> {
    const { code, stdout, stderr } = await sluice(['logs', ...args, '--json'], { home });
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    return JSON.parse(stdout) as Logs;
  }

  it('of a run that fails by its own SQL hold what the engine said', async () => {
    const env = { SLUICE_PIPELINES_DIR: folder };
    const run = await sluice(['run', PIPELINE, '--partition', DAY, '--wait', '--json'], { home, env });
    assert.equal(run.code, 1, run.stderr);
    const { failure } = JSON.parse(run.stdout) as { failure: { code: string; message: string } };
    assert.equal(failure.code, 'JOB_FAILED_USER');
    assert.match(failure.message, new RegExp(WRONG_COLUMN));

    const seen = await logs(RUN);
    assert.deepEqual([seen.run.workflowId, seen.run.kind, seen.run.state], [RUN, 'run', 'failed']);
    assert.equal(seen.submissions.length, 1);
    const [job] = seen.submissions;
    assert.deepEqual([job?.stage, job?.submission, job?.state, job?.blame], ['daily', 1, 'failed', 'user']);
    assert.match(job?.engineJobId ?? '', /^driver-/);
    assert.match(job?.link ?? '', /^http:/);
    assert.match(job?.reason ?? '', new RegExp(WRONG_COLUMN));
    assert.match(seen.log.text, new RegExp(`UNRESOLVED_COLUMN[\\s\\S]*${WRONG_COLUMN}`));
  });

  it('stay when the engine has forgotten the job', async () => {
    const kept = await eventually('the log is kept', async () => {
      const seen = await logs(`${PIPELINE}/${DAY}`, 'daily');
      return seen.log.from === 'kept' && seen;
    });
    const driver = kept.submissions[0]?.engineJobId ?? assert.fail('no driver');
    // As Spark's own cleaning does with what is old.
    await rm(join(layout(home).data, 'spark', 'work', driver), { recursive: true });
    const { code, stdout } = await sluice(['logs', RUN, '--bytes', '4096'], { home });
    assert.equal(code, 0, stdout);
    assert.match(stdout, new RegExp(`driver-.*failed.*user`));
    const log = stdout.slice(stdout.indexOf('log of daily, submission 1'));
    assert.match(log, new RegExp(`_logs/[0-9a-f]{32}\\.log[\\s\\S]*${WRONG_COLUMN}`));
    assert.ok(Buffer.byteLength(log) < 4096 + 200, 'no more than asked for');
    assert.deepEqual((await logs(RUN)).log, kept.log, 'the copy is the same, engine or no engine');
  });

  it('of a run name every submission, and status counts them', async () => {
    const { code, stdout, stderr } = await sluice(['status', '--json', '--limit', '50'], { home });
    assert.equal(code, 0, stderr);
    const { runs } = JSON.parse(stdout) as { runs: { workflow_id: string; submissions: Record<string, number> }[] };
    assert.deepEqual(runs.find(({ workflow_id: id }) => id === RUN)?.submissions, { daily: 1 });
  });

  it('of a stream that runs come from its engine', async () => {
    const seen = await logs(`${PIPELINE}/live`, '--bytes', '20000');
    assert.deepEqual([seen.run.workflowId, seen.run.kind], [`stream/${PIPELINE}/live`, 'stream']);
    assert.equal(seen.log.from, 'engine');
    assert.match(seen.log.text, /kafka/i);
    assert.ok(Buffer.byteLength(seen.log.text) <= 20_000);
  });
});
