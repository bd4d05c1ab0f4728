/** Jobs whose workflows were terminated from outside, on the real engines: reconcile ends the batch job and leaves the stream. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import type { OrphanReport, ReconcileResult } from '../../workflows/contracts/reconcile.js';
import { sluice } from '../support/cli.js';
import { e2eSession, SKIP } from '../support/e2e.js';
import { eventually } from '../support/wait-for.js';

const PIPELINE = 'top-sales-per-city';

interface Passes {
  ok: boolean;
  passes: { cluster: string; report?: ReconcileResult }[];
}

interface Master {
  activeapps: { name: string }[];
  activedrivers: { id: string }[];
}

describe('orphans', { skip: SKIP }, () => {
  const session = e2eSession();
  const { home, pool } = session;

  async function reconcile(...args: string[]): Promise<Passes> {
    const { code, stdout, stderr } = await sluice(['reconcile', '--json', ...args], { home });
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Passes;
  }
  const orphansIn = ({ passes }: Passes): OrphanReport[] => passes.flatMap(({ report }) => report?.orphans ?? []);
  const jobOf = async (owner: string) => {
    const { rows } = await pool.query<{
      key: string;
      tag: string;
      state: string;
      settled: string;
      engine_job_id: string;
    }>(
      `select key, tag, state, settled, engine_job_id from control.engine_job
       where owner_workflow_id = $1 and engine_job_id is not null order by intent_at desc limit 1`,
      [owner],
    );
    return rows[0];
  };
  const eventsOf = async (workflowId: string) => {
    const { rows } = await pool.query<{ event_type: string; runs: number }>(
      `select o.event_type, count(*)::int as runs from control.lineage_outbox o
       join control.run r on r.lineage_run_id = o.root_run_id where r.workflow_id = $1 group by 1 order by 1`,
      [workflowId],
    );
    return rows;
  };

  it('a run and its engine job that were terminated: the driver ends, the day is free, the books are closed', async () => {
    const workflowId = `terminated-${randomUUID()}`;
    const input = { pipeline: PIPELINE, partition: '1998-06-01/1998-07-01' };
    const run = await session.client.workflow.start('pipelineRun', { workflowId, taskQueue: 'control', args: [input] });
    const job = await eventually('a driver was submitted', () => jobOf(`${workflowId}/daily`));
    // The run first: its close policy would have the engine job cancel itself.
    await run.terminate('by hand');
    await session.client.workflow.getHandle(`${workflowId}/daily`).terminate('by hand');
    const dry = orphansIn(await reconcile('--dry-run', '--cluster', 'spark')).find(({ key }) => key === job.key);
    if (dry !== undefined) assert.ok(['waits', 'reaped', 'ended'].includes(dry.action), dry.action);
    await eventually('two passes have ended it', async () => {
      await reconcile();
      const now = await jobOf(`${workflowId}/daily`);
      return now?.settled !== null && now?.state !== 'running' && now?.state !== 'starting';
    });
    const master = (await (await fetch(`${process.env['SPARK_MASTER_UI_URL']}/json/`)).json()) as Master;
    assert.ok(!master.activeapps.some(({ name }) => name.startsWith(`${job.tag} `)), 'its application is gone');
    assert.ok(!master.activedrivers.some(({ id }) => id === job.engine_job_id), 'and so is its driver');
    const { rows } = await pool.query<{ state: string; held: string }>(
      `select r.state, (select count(*) from control.partition_claim c where c.owner_workflow_id = $1 and c.held) as held
       from control.run r where r.workflow_id = $1`,
      [workflowId],
    );
    assert.deepEqual(rows, [{ state: 'cancelled', held: '0' }]);
    assert.deepEqual(await eventsOf(workflowId), [
      { event_type: 'ABORT', runs: 2 },
      { event_type: 'START', runs: 2 },
    ]);
  });

  it('a stream whose supervisor was terminated is left running and told, and its next supervisor takes it over', async () => {
    const id = `stream/${PIPELINE}/live`;
    const before = await jobOf(id);
    assert.ok(before, 'the demo left its streams running');
    await session.client.workflow.getHandle(id).terminate('by hand');
    const told = await eventually('reconcile tells of it', async () =>
      orphansIn(await reconcile('--cluster', 'local')).find(
        ({ key, action }) => key === before.key && action === 'left',
      ),
    );
    assert.match(told.reason, /wants it left running/);
    assert.equal((await jobOf(id))?.state, 'running');
    const started = await sluice(['stream', 'start', PIPELINE], { home });
    assert.equal(started.code, 0, started.stderr);
    const heir = await eventually('the heir runs', async () => {
      const now = await jobOf(id);
      return now !== undefined && now.key !== before.key && now.state === 'running' && now;
    });
    assert.notEqual(heir.engine_job_id, before.engine_job_id);
    const { rows } = await pool.query<{ settled: string }>('select settled from control.engine_job where key = $1', [
      before.key,
    ]);
    assert.equal(rows[0]?.settled, 'cancelled');
  });

  it('an unknown cluster is refused by name', async () => {
    const { code, stderr } = await sluice(['reconcile', '--cluster', 'sparc'], { home });
    assert.equal(code, 2);
    assert.match(stderr, /no cluster 'sparc' is known.*spark/);
  });
});
