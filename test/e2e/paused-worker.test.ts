/** A worker process that is paused in the middle of a run and wakes when others have taken over: it kills and publishes nothing. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { e2eSession, SKIP } from '../support/e2e.js';
import { eventually } from '../support/wait-for.js';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.js';

const PIPELINE = 'top-sales-per-city';
const DAY = '1998-05-04';

interface SparkApps {
  activeapps: { name: string }[];
  completedapps: { name: string }[];
}

describe('a paused worker', { skip: SKIP }, () => {
  const session = e2eSession();
  const { home, pool } = session;
  let paused: number | undefined;
  let second: WorkerProcess | undefined;
  after(async () => {
    if (paused !== undefined) process.kill(paused, 'SIGCONT');
    await second?.stop();
  });

  const start = (partition: string) =>
    session.client.workflow.start('pipelineRun', {
      workflowId: `paused-${randomUUID()}`,
      taskQueue: 'control',
      args: [{ pipeline: PIPELINE, partition }],
    });
  const jobsOf = async (workflowId: string) => {
    const { rows } = await pool.query<{
      tag: string;
      state: string;
      settled: string | null;
      engine_job_id: string | null;
    }>('select tag, state, settled, engine_job_id from control.engine_job where owner_workflow_id like $1', [
      `${workflowId}/%`,
    ]);
    return rows;
  };
  const applications = async (tag: string): Promise<number> => {
    const page = (await (await fetch(`${process.env['SPARK_MASTER_UI_URL']}/json/`)).json()) as SparkApps;
    return [...page.activeapps, ...page.completedapps].filter(({ name }) => name.startsWith(`${tag} `)).length;
  };

  it('wakes after its run was ended and its day published by another, and changes nothing', async () => {
    const first = await start(DAY);
    await eventually('its job is at the engine', async () => (await jobsOf(first.workflowId))[0]?.engine_job_id);
    const { pid } = JSON.parse(await readFile(join(home, '.sluice', 'pids', 'worker.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGSTOP');
    paused = pid;
    second = await startWorkerProcess(['control', 'flink', 'spark'], join(home, '.sluice'));
    await first.terminate('ended while its worker is paused');

    const heir = await start(DAY);
    const result = (await heir.result()) as { verdict: string };
    assert.equal(result.verdict, 'pass');
    const published = async () =>
      (
        await pool.query<{ workflow_id: string; version: string }>(
          `select workflow_id, version from control.curated_ledger
           where table_name = 'city_sales_daily' and partition = $1 order by version desc`,
          [DAY],
        )
      ).rows;
    const versions = await published();
    assert.equal(versions[0]?.workflow_id, heir.workflowId);

    process.kill(pid, 'SIGCONT');
    paused = undefined;
    // Only the woken worker is left: a run that it finishes shows that it works, and that what it held is over.
    await second.stop();
    second = undefined;
    await (await start('1998-05-05')).result();

    assert.deepEqual(await published(), versions, 'nobody published after the heir');
    const [lost, ...more] = await jobsOf(first.workflowId);
    const [won] = await jobsOf(heir.workflowId);
    assert.deepEqual([more.length, lost?.settled, won?.state], [0, 'cancelled', 'succeeded']);
    assert.ok((await applications(lost?.tag ?? '?')) <= 1);
    assert.equal(await applications(won?.tag ?? '?'), 1, 'its job was neither killed nor doubled');
  });
});
