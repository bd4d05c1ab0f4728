/** Runs as people start them: by hand with one JSON object, with bad input, on days without sales, with a worker killed midway. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { WorkflowFailedError } from '@temporalio/client';
import { failureOf, type RunFailure } from '../../workers/run-failure.js';
import { sluice } from '../support/cli.js';
import { e2eSession, SKIP } from '../support/e2e.js';
import { eventually } from '../support/wait-for.js';

const PIPELINE = 'top-sales-per-city';

describe('runs', { skip: SKIP }, () => {
  const session = e2eSession();
  const { home, pool, databaseUrl } = session;

  /** Starts `pipelineRun` as the UI does: any id, the queue `control`, one JSON value or none. */
  const startByHand = (args: unknown[], workflowId = `by-hand-${randomUUID()}`) =>
    session.client.workflow.start('pipelineRun', { workflowId, taskQueue: 'control', args });

  async function failureFrom(args: unknown[]): Promise<RunFailure> {
    const handle = await startByHand(args);
    try {
      await handle.result();
    } catch (error) {
      if (error instanceof WorkflowFailedError) return failureOf(error);
      throw error;
    }
    throw new Error(`${JSON.stringify(args)?.slice(0, 80)} did not fail`);
  }

  const BAD: [name: string, args: unknown[], code: string, says: RegExp][] = [
    [
      'unknown pipeline',
      [{ pipeline: 'top-sale-per-city', partition: '1998-03-14' }],
      'INVALID_REQUEST',
      /top-sales-per-city/,
    ],
    ['malformed day', [{ pipeline: PIPELINE, partition: '1998-3-14' }], 'INVALID_REQUEST', /1998-03-14/],
    ['day that does not exist', [{ pipeline: PIPELINE, partition: '1998-02-30' }], 'INVALID_REQUEST', /1998-02-28/],
    ['day in the future', [{ pipeline: PIPELINE, partition: '2999-01-01' }], 'INVALID_REQUEST', /future/],
    [
      'unknown parameter',
      [{ pipeline: PIPELINE, partition: '1998-03-14', params: { nope: 1 } }],
      'INVALID_REQUEST',
      /nope/,
    ],
    ['unknown key', [{ pipeline: PIPELINE, partitions: '1998-03-14' }], 'INVALID_REQUEST', /did you mean 'partition'/],
    ['no input', [], 'INVALID_REQUEST', /one JSON object/],
    ['null', [null], 'INVALID_REQUEST', /one JSON object/],
    ['array', [[{ pipeline: PIPELINE, partition: '1998-03-14' }]], 'INVALID_REQUEST', /array/],
    ['text', ['1998-03-14'], 'INVALID_REQUEST', /one JSON object/],
    [
      '300 KiB',
      [{ pipeline: PIPELINE, partition: '1998-03-14', params: { x: 'x'.repeat(300 * 1024) } }],
      'INVALID_REQUEST',
      /bytes/,
    ],
    [
      'day without sales',
      [{ pipeline: PIPELINE, partition: '1998-12-31' }],
      'EMPTY_PARTITION',
      /nothing was overwritten/,
    ],
  ];
  for (const [name, args, code, says] of BAD) {
    it(`fails at once, readably: ${name}`, async () => {
      const startedMs = Date.now();
      const failure = await failureFrom(args);
      assert.equal(failure.code, code);
      assert.match(failure.message, says);
      assert.ok(failure.message.length < 2_000);
      assert.ok(Date.now() - startedMs < 20_000);
    });
  }

  it('is refused by the command line before anything starts', async () => {
    const big = await sluice(['run', '--input', '-'], {
      home,
      input: JSON.stringify({ pipeline: PIPELINE, x: 'x'.repeat(300 * 1024) }),
    });
    assert.equal(big.code, 2);
    assert.match(big.stderr, /262144/);
    const day = await sluice(['run', PIPELINE, '--partition', '1998-02-30'], { home });
    assert.equal(day.code, 2);
    assert.match(day.stderr, /1998-02-28/);
  });

  it('started by hand for one day ends well and shows engine, id and link', async () => {
    const handle = await startByHand([{ pipeline: PIPELINE, partition: '1998-03-14' }]);
    const result = (await handle.result()) as { verdict: string; stages: { engineJobId: string; link: string }[] };
    assert.equal(result.verdict, 'pass');
    assert.match(result.stages[0]?.engineJobId ?? '', /^driver-/);
    assert.match(result.stages[0]?.link ?? '', /^http:/);
    const { memo, typedSearchAttributes, searchAttributes } = await handle.describe();
    assert.match(JSON.stringify(memo), /spark driver-/);
    assert.deepEqual(searchAttributes['SluicePartition'], ['1998-03-14']);
    assert.ok(typedSearchAttributes);
    assert.deepEqual(searchAttributes['SluiceTrigger'], ['ui']);
  });

  it('refuses a second run of a day that is running', async () => {
    const first = await startByHand([{ pipeline: PIPELINE, partition: '1998-03-17' }]);
    await eventually('the first run holds its day', async () => {
      const { rowCount } = await pool.query(
        'select 1 from control.partition_claim where owner_workflow_id = $1 and held',
        [first.workflowId],
      );
      return rowCount === 1;
    });
    const failure = await failureFrom([{ pipeline: PIPELINE, partition: '1998-03-17' }]);
    assert.equal(failure.code, 'ALREADY_RUNNING');
    assert.match(failure.message, new RegExp(first.workflowId));
    await first.result();
  });

  it('cancelled midway, stops the driver and records the cancel', async () => {
    const handle = await startByHand([{ pipeline: PIPELINE, partition: '1998-03-18' }]);
    const job = await eventually('a driver was submitted', async () => {
      const { rows } = await pool.query<{ key: string; engine_job_id: string | null }>(
        'select key, engine_job_id from control.engine_job where owner_workflow_id like $1',
        [`${handle.workflowId}/%`],
      );
      return rows[0]?.engine_job_id ? rows[0] : undefined;
    });
    await handle.cancel();
    await assert.rejects(handle.result());
    const { rows } = await pool.query<{ state: string; settled: string }>(
      'select state, settled from control.engine_job where key = $1',
      [job.key],
    );
    assert.deepEqual(rows[0], { state: 'cancelled', settled: 'cancelled' });
    const run = await pool.query<{ state: string }>('select state from control.run where workflow_id = $1', [
      handle.workflowId,
    ]);
    assert.equal(run.rows[0]?.state, 'cancelled');
  });

  it('survives kill -9 of the worker in the middle of a Spark stage, with one driver in all', async () => {
    const handle = await startByHand([{ pipeline: PIPELINE, partition: '1998-03-19/1998-04-02' }]);
    await eventually('the stage runs at the engine', async () => {
      const { rows } = await pool.query<{ state: string }>(
        `select state from control.engine_job where owner_workflow_id like $1 and engine_job_id is not null`,
        [`${handle.workflowId}/%`],
      );
      return rows.length === 1;
    });
    const { pid } = JSON.parse(await readFile(join(home, '.sluice', 'pids', 'worker.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
    const meanwhile = await sluice(['status', '--json'], { home });
    assert.equal(meanwhile.code, 0, meanwhile.stderr);
    const seen = JSON.parse(meanwhile.stdout) as { streams: { state: string; reason?: string }[] };
    assert.ok(seen.streams.every(({ state, reason }) => state === 'unknown' && /no worker/.test(reason ?? '')));
    // Other settings replace the host's worker too; both say that they are ready, however little they log.
    const up = await sluice(['up'], { home, env: { SLUICE_LOG_LEVEL: 'error' } });
    assert.equal(up.code, 0, up.stderr);
    assert.match(up.stderr, /host: code or settings have changed/);
    assert.match(up.stderr, /worker: started/);
    const result = (await handle.result()) as { verdict: string; stages: { submissions: number }[] };
    assert.equal(result.stages[0]?.submissions, 1);
    const { rows } = await pool.query<{ tag: string }>(
      'select tag from control.engine_job where owner_workflow_id like $1',
      [`${handle.workflowId}/%`],
    );
    assert.equal(rows.length, 1);
    const page = (await (await fetch(`${process.env['SPARK_MASTER_UI_URL']}/json/`)).json()) as {
      activeapps: { name: string }[];
      completedapps: { name: string }[];
    };
    const apps = [...page.activeapps, ...page.completedapps].filter(({ name }) => name.includes(rows[0]?.tag ?? '?'));
    assert.equal(apps.length, 1, 'one application in all at the master');
  });

  it('answers status and environment for programs', async () => {
    const status = await sluice(['status', '--json'], { home });
    assert.equal(status.code, 0, status.stderr);
    const found = JSON.parse(status.stdout) as { streams: { state: string }[]; clusters: unknown[] };
    assert.ok(found.streams.length === 4 && found.streams.every(({ state }) => state === 'running'));
    const value = await sluice(['env', 'DATABASE_URL'], { home });
    assert.equal(value.stdout.trim(), databaseUrl);
  });
});
