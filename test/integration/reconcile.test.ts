/** Reconcile on a real Postgres with a fake cluster: what has no living owner is ended once, and nothing else is touched. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createJobActivities } from '../../activities/jobs.js';
import { createReconcileActivities } from '../../activities/reconcile.js';
import { createRunActivities } from '../../activities/runs.js';
import { getEngineJob, markSettled, recordObservation, type EngineJobRow } from '../../infra/postgres/engine-jobs.js';
import { inTransaction } from '../../infra/postgres/pool.js';
import { SluiceError } from '../../infra/errors.js';
import type { JobActivities, RunActivities } from '../../workflows/contracts/activities.js';
import type { RunPlan, StagePlan } from '../../workflows/contracts/plans.js';
import type { ClosedRun, ReconcileInput, ReconcileReport } from '../../workflows/contracts/reconcile.js';
import { asActivities } from '../support/as-activities.js';
import { createTestDatabase, NO_DATABASE, type TestDatabase } from '../support/curated-database.js';
import { createFakeEngine, FakeCluster } from '../support/fake-engine.js';
import { testSpec } from '../support/job-specs.js';
import { createTestDeps, type TestDeps } from '../support/workflow-deps.js';
import { streamPlan } from '../support/workflow-plans.js';

describe('reconcile', { skip: NO_DATABASE }, () => {
  let database: TestDatabase;
  let cluster: FakeCluster;
  let made: TestDeps;
  let jobs: JobActivities;
  let runs: RunActivities;
  let count = 0;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database?.close({ keep: false }));

  beforeEach(async () => {
    await database.pool.query(
      'truncate control.engine_job, control.run, control.partition_claim, control.lineage_outbox, control.reconcile_report',
    );
    cluster = new FakeCluster();
    made = createTestDeps(database, cluster);
    jobs = asActivities(createJobActivities(made.deps));
    runs = asActivities(createRunActivities(made.deps));
  });

  const pass = (more: Partial<ReconcileInput> = {}): Promise<ReconcileReport> =>
    asActivities(createReconcileActivities(made.deps)).reconcileCluster({ engine: 'spark', cluster: 'spark', ...more });
  const closeRuns = (dryRun = false): Promise<ClosedRun[]> =>
    asActivities(createReconcileActivities(made.deps)).reconcileRuns({ dryRun });
  /** As if the last pass had been a while ago. */
  const later = () =>
    database.pool.query(`update control.engine_job set orphan_since = orphan_since - interval '1 minute'`);
  const row = async (key: string): Promise<EngineJobRow> => (await getEngineJob(database.pool, key)) as EngineJobRow;
  const events = async (runId: string): Promise<string[]> => {
    const { rows } = await database.pool.query<{ event_type: string }>(
      'select event_type from control.lineage_outbox where run_id = $1 order by id',
      [runId],
    );
    return rows.map(({ event_type: type }) => type);
  };
  const alive = (key: string): boolean => cluster.jobs.get(key)?.observation.state === 'running';
  const actions = ({ orphans }: ReconcileReport): string[] => orphans.map(({ action }) => action);

  async function resolve(workflowId: string): Promise<RunPlan> {
    const input = {
      pipeline: 'top-sales-per-city',
      partition: `1997-02-${String((count++ % 27) + 1).padStart(2, '0')}`,
    };
    const owner = { workflowId, firstRunId: `first of ${workflowId}` };
    return runs.resolveRun({ input, owner, runId: 'r' });
  }

  /** A stage's job at the engine; its owner is open. */
  async function job(name: string, options: { submit?: boolean; onOrphan?: 'kill' | 'leave'; plan?: RunPlan } = {}) {
    const plan = options.plan ?? (await resolve(`run/${name}`));
    const stage = { ...(plan.stages[0] as StagePlan), ...(options.onOrphan ? { onOrphan: options.onOrphan } : {}) };
    const owner = `${plan.run.workflowId}/${stage.name}`;
    const { key } = await jobs.prepareSubmission({
      owner: { workflowId: owner, firstRunId: `first of ${owner}` },
      submission: 1,
      memoryFactor: 1,
      target: { kind: 'stage', run: plan.run, stage, upstream: {} },
    });
    if (options.submit !== false) await jobs.submitJob({ key });
    return { key, owner, plan };
  }

  /** A stream's job at the engine. */
  async function stream(name: string) {
    const owner = { workflowId: `stream/${name}/live`, firstRunId: `first of ${name}` };
    const plan = streamPlan(name, { engine: 'flink', cluster: 'spark' });
    const target = { kind: 'stream' as const, stream: { ...plan, engine: 'spark' as const }, generation: 1 };
    const { key } = await jobs.prepareSubmission({ owner, submission: 1, memoryFactor: 1, target });
    await jobs.submitJob({ key });
    return { key, owner: owner.workflowId };
  }

  test('a job whose owner was terminated is ended by the second pass, not by the first, and its book closed once', async () => {
    const { key, owner } = await job('terminated');
    made.temporal.closed.add(owner);
    const first = await pass();
    assert.deepEqual([actions(first), first.live, alive(key)], [['waits'], 1, true]);
    await later();
    const second = await pass();
    assert.deepEqual(actions(second), ['reaped']);
    assert.equal(second.orphans[0]?.ownerState, 'terminated');
    assert.equal(cluster.jobs.get(key)?.observation.state, 'cancelled');
    const { state, settled, ended_at: ended, lineage_run_id: lineage } = await row(key);
    assert.deepEqual([state, settled, ended !== null], ['cancelled', 'cancelled', true]);
    assert.deepEqual(await events(lineage), ['START', 'ABORT']);
    await later();
    assert.deepEqual(actions(await pass()), []);
    assert.deepEqual(await events(lineage), ['START', 'ABORT']);
  });

  test('two passes right after each other are one sighting', async () => {
    const { key, owner } = await job('hasty');
    made.temporal.closed.add(owner);
    await pass();
    assert.deepEqual(actions(await pass()), ['waits']);
    assert.equal(alive(key), true);
  });

  test('a job with an open owner is never touched, whether the list of open workflows has it or not', async () => {
    const listed = await job('listed');
    const late = await job('late');
    made.temporal.open.add(listed.owner);
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual(actions(await pass()), []);
      await later();
    }
    assert.deepEqual([alive(listed.key), alive(late.key)], [true, true]);
    assert.ok(!made.temporal.asked.includes(listed.owner), 'a listed owner costs no question');
  });

  test('an owner that lives again makes earlier sightings void', async () => {
    const { key, owner } = await job('reset');
    made.temporal.closed.add(owner);
    await pass();
    made.temporal.closed.delete(owner);
    await later();
    await pass();
    assert.deepEqual([(await row(key)).orphan_passes, (await row(key)).orphan_since], [0, null]);
    made.temporal.closed.add(owner);
    assert.deepEqual(actions(await pass()), ['waits']);
    assert.equal(alive(key), true);
  });

  test('an owner that a reset revives between the look and the stroke keeps its job', async () => {
    const { key, owner } = await job('revived');
    made.temporal.closed.add(owner);
    await pass();
    await later();
    const engine = made.deps.engine;
    made.deps.engine = (name, clusterName) => {
      const port = engine(name, clusterName);
      return {
        ...port,
        observe: async (handle, signal) => {
          const seen = await port.observe(handle, signal);
          made.temporal.closed.delete(owner);
          return seen;
        },
      };
    };
    assert.deepEqual(actions(await pass()), ['waits']);
    assert.equal(alive(key), true);
  });

  test('an owner that Temporal does not know counts as closed only when our book says that it ended', async () => {
    const { key, owner, plan } = await job('forgotten');
    made.temporal.closed.add(owner);
    made.temporal.endings.set(owner, 'not-found');
    await pass();
    await later();
    assert.deepEqual(actions(await pass()), []);
    await runs.finishRun({ run: plan.run, outcome: 'failed', message: 'no' });
    await pass();
    await later();
    assert.deepEqual(actions(await pass()), ['reaped']);
    assert.equal(alive(key), false);
  });

  test('an older chain of an id that is open again is told from the open one', async () => {
    const plan = await resolve('run/again');
    const old = await job('again', { plan });
    const owner = { workflowId: old.owner, firstRunId: 'the second chain' };
    await database.pool.query(`update control.engine_job set intent_at = intent_at - interval '1 hour'`);
    const target = { kind: 'stage' as const, run: plan.run, stage: plan.stages[0] as StagePlan, upstream: {} };
    const { key } = await jobs.prepareSubmission({ owner, submission: 1, memoryFactor: 1, target });
    await jobs.submitJob({ key });
    made.temporal.open.add(old.owner);
    made.temporal.closed.add(old.owner);
    await pass();
    await later();
    assert.deepEqual(
      (await pass()).orphans.map((one) => [one.key, one.action]),
      [[old.key, 'reaped']],
    );
    assert.equal(alive(key), true);
  });

  test('nothing is known and nothing is done while Temporal does not answer', async () => {
    const { key, owner } = await job('no-temporal');
    made.temporal.closed.add(owner);
    await pass();
    await later();
    made.temporal.away = true;
    await assert.rejects(pass(), /no Temporal/);
    assert.equal(alive(key), true);
  });

  test('an engine that is away concludes nothing', async () => {
    const { key, owner } = await job('engine-away');
    made.temporal.closed.add(owner);
    await pass();
    await later();
    cluster.away = true;
    await assert.rejects(pass(), { code: 'ENGINE_UNREACHABLE' });
    cluster.away = false;
    assert.equal(alive(key), true);
    assert.equal((await row(key)).ended_at, null);
  });

  test('jobs without our tag, or of another installation, are not even listed; one of ours without a row is told', async () => {
    const engine = createFakeEngine(cluster);
    const [plain, foreign, lost] = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [string, string, string];
    await engine.submit(testSpec('spark', plain, { tag: 'nightly report' }), plain);
    await engine.submit(testSpec('spark', foreign, { tag: `sluice:another:${foreign}` }), foreign);
    const { rows } = await database.pool.query<{ id: string }>('select id from control.installation');
    await engine.submit(testSpec('spark', lost, { tag: `sluice:${rows[0]?.id}:${lost}` }), lost);
    await pass();
    await later();
    const report = await pass({ force: true });
    assert.deepEqual([report.orphans, report.unknown, report.live], [[], [`fake-${lost}`], 1]);
    for (const key of [plain, foreign, lost]) assert.equal(alive(key), true);
  });

  test('a stream is left to run, and told', async () => {
    const { key, owner } = await stream('left');
    made.temporal.closed.add(owner);
    await pass();
    await later();
    assert.deepEqual(actions(await pass()), ['left']);
    assert.equal(alive(key), true);
    assert.deepEqual(await events((await row(key)).lineage_run_id), ['START']);
  });

  test('a stage may ask to be left too', async () => {
    const { key, owner } = await job('left-stage', { onOrphan: 'leave' });
    made.temporal.closed.add(owner);
    await pass();
    await later();
    assert.deepEqual(actions(await pass()), ['left']);
    assert.equal(alive(key), true);
  });

  test('many orphans at once stop the pass; asked to by a person, it ends them', async () => {
    const all = [];
    for (let index = 0; index < 5; index += 1) all.push(await job(`many-${index}`));
    for (const { owner } of all.slice(0, 3)) made.temporal.closed.add(owner);
    await pass();
    await later();
    const stopped = await pass();
    assert.match(stopped.stopped ?? '', /3 of 5 jobs on spark have no living owner/);
    assert.deepEqual(actions(stopped), ['waits', 'waits', 'waits']);
    for (const { key } of all) assert.equal(alive(key), true);
    const { rows } = await database.pool.query<{ report: ReconcileReport }>(
      'select report from control.reconcile_report',
    );
    assert.equal(rows[0]?.report.stopped, stopped.stopped, 'the report can be read afterwards');
    assert.deepEqual(actions(await pass({ force: true })), ['reaped', 'reaped', 'reaped']);
    assert.deepEqual(
      all.map(({ key }) => alive(key)),
      [false, false, false, true, true],
    );
  });

  test('a job that ended by itself has its book closed with its own end', async () => {
    const { key, owner } = await job('ended');
    made.temporal.closed.add(owner);
    cluster.succeed(key);
    assert.deepEqual(actions(await pass()), ['ended']);
    const { state, settled, lineage_run_id: lineage } = await row(key);
    assert.deepEqual([state, settled], ['succeeded', 'succeeded']);
    assert.deepEqual(await events(lineage), ['START', 'COMPLETE']);
  });

  test('an intent that never reached the engine is closed by the second pass', async () => {
    const { key, owner } = await job('intent', { submit: false });
    made.temporal.closed.add(owner);
    assert.deepEqual(actions(await pass()), ['waits']);
    await later();
    assert.deepEqual(actions(await pass()), ['ended']);
    const { state, settled, reason, lineage_run_id: lineage } = await row(key);
    assert.deepEqual([state, settled], ['cancelled', 'cancelled']);
    assert.match(reason ?? '', /never reached spark/);
    assert.deepEqual(await events(lineage), ['START', 'ABORT']);
  });

  test('a job that the engine has forgotten is lost, after two passes', async () => {
    const { key, owner } = await job('gone');
    made.temporal.closed.add(owner);
    cluster.forget(key);
    await pass();
    await later();
    assert.deepEqual(actions(await pass()), ['ended']);
    assert.equal((await row(key)).state, 'lost');
  });

  test('a job that our book calls lost, but that lives, is ended once its owner is closed, and only told before', async () => {
    const { key, owner } = await job('undead');
    await database.pool.query(`update control.engine_job set state = 'lost', ended_at = now(), settled = 'failed'`);
    assert.deepEqual(actions(await pass()), ['stray']);
    assert.equal(alive(key), true);
    made.temporal.closed.add(owner);
    await pass();
    await later();
    assert.deepEqual(actions(await pass()), ['reaped']);
    assert.equal(alive(key), false);
  });

  test('a stray that cannot be looked at is told all the same, and the pass is reported', async () => {
    const { key } = await job('dark-stray');
    await database.pool.query(`update control.engine_job set state = 'lost', ended_at = now(), settled = 'failed'`);
    const engine = made.deps.engine;
    made.deps.engine = (name, clusterName) => ({
      ...engine(name, clusterName),
      observe: () => Promise.reject(new SluiceError('ENGINE_REJECTED', 'HTTP 403 password=hunter2')),
    });
    const report = await pass();
    assert.deepEqual(actions(report), ['stray']);
    assert.match(report.orphans[0]?.reason ?? '', /cannot be looked at now: HTTP 403 password=\*\*\*/);
    const { rows } = await database.pool.query('select 1 from control.reconcile_report');
    assert.equal(rows.length, 1);
    assert.equal(alive(key), true);
  });

  test('a list of open workflows that lags rules out for one pass, and no longer', async () => {
    const { key, owner } = await job('lagging');
    made.temporal.closed.add(owner);
    made.temporal.open.add(owner);
    assert.deepEqual(actions(await pass()), []);
    made.temporal.open.delete(owner);
    assert.deepEqual(actions(await pass()), ['waits']);
    assert.equal(alive(key), true);
  });

  test('an end that the engine does not confirm is tried again by the next pass', async () => {
    const { key, owner } = await job('stubborn');
    made.temporal.closed.add(owner);
    await pass();
    await later();
    cluster.ignoresCancel = true;
    assert.deepEqual(actions(await pass()), ['unconfirmed']);
    assert.equal((await row(key)).settled, null);
    cluster.ignoresCancel = false;
    assert.deepEqual(actions(await pass()), ['reaped']);
  });

  test('one job that cannot be ended keeps no other alive', async () => {
    const stuck = await job('stuck');
    const other = await job('other');
    for (const { owner } of [stuck, other]) made.temporal.closed.add(owner);
    await pass();
    await later();
    const engine = made.deps.engine;
    made.deps.engine = (name, clusterName) => {
      const port = engine(name, clusterName);
      const refusing = new SluiceError('ENGINE_REJECTED', 'password=hunter2 is not allowed to');
      return {
        ...port,
        cancel: (handle, signal) => (handle.key === stuck.key ? Promise.reject(refusing) : port.cancel(handle, signal)),
      };
    };
    const report = await pass();
    assert.deepEqual(actions(report).sort(), ['reaped', 'unconfirmed']);
    assert.doesNotMatch(JSON.stringify(report), /hunter2/);
    assert.deepEqual([alive(stuck.key), alive(other.key)], [true, false]);
  });

  test('a book that is still open although the watcher saw the end is closed at once, without asking the engine', async () => {
    const { key, owner } = await job('watched-end');
    const { key: left, owner: supervisor } = await stream('watched-end');
    for (const [name, state] of [
      [key, 'succeeded'],
      [left, 'failed'],
    ] as const) {
      await recordObservation(database.pool, name, { state, nativeState: state, terminal: true, reason: 'so it was' });
      cluster.set(name, state);
    }
    for (const one of [owner, supervisor]) made.temporal.closed.add(one);
    assert.deepEqual(actions(await pass()), ['ended', 'ended']);
    assert.deepEqual([(await row(key)).settled, (await row(left)).settled], ['succeeded', 'failed']);
    assert.deepEqual(await events((await row(left)).lineage_run_id), ['START', 'FAIL']);
    assert.deepEqual(actions(await pass()), []);
  });

  test('one job that cannot be looked at keeps no other alive, and loses no sighting', async () => {
    const dark = await job('dark');
    const plain = await job('plain');
    for (const { owner } of [dark, plain]) made.temporal.closed.add(owner);
    await pass();
    await later();
    const engine = made.deps.engine;
    made.deps.engine = (name, clusterName) => {
      const port = engine(name, clusterName);
      const refusing = new SluiceError('ENGINE_REJECTED', 'HTTP 403');
      return {
        ...port,
        observe: (handle, signal) =>
          handle.key === dark.key ? Promise.reject(refusing) : port.observe(handle, signal),
      };
    };
    const report = await pass();
    assert.deepEqual(actions(report).sort(), ['reaped', 'waits']);
    assert.match(report.orphans.find(({ key }) => key === dark.key)?.reason ?? '', /cannot be looked at now: HTTP 403/);
    made.deps.engine = engine;
    assert.deepEqual(actions(await pass()), ['reaped']);
  });

  test('a stream that was told to stop, or that has a successor, is not left', async () => {
    const stopped = await stream('told-to-stop');
    await inTransaction(database.pool, (client) => markSettled(client, stopped.key, 'failed'));
    made.temporal.closed.add(stopped.owner);
    const old = await stream('moved');
    await database.pool.query(
      `update control.engine_job set cluster = 'elsewhere', owner_first_run_id = 'the successor', intent_at = intent_at + interval '1 hour'
       where key = $1`,
      [(await stream('moved-successor')).key],
    );
    await database.pool.query(
      `update control.engine_job set owner_workflow_id = $1 where owner_first_run_id = 'the successor'`,
      [old.owner],
    );
    made.temporal.closed.add(old.owner);
    made.temporal.open.add(old.owner);
    await pass();
    await later();
    assert.deepEqual(actions(await pass()), ['reaped', 'reaped']);
    assert.deepEqual([alive(stopped.key), alive(old.key)], [false, false]);
  });

  test('a job that is over but still holds what it has is ended too', async () => {
    const { key, owner } = await stream('in-error');
    made.temporal.closed.add(owner);
    await recordObservation(database.pool, key, { state: 'failed', nativeState: 'ERROR', terminal: true });
    await inTransaction(database.pool, (client) => markSettled(client, key, 'failed'));
    cluster.set(key, 'failed', { nativeState: 'ERROR' });
    const engine = made.deps.engine;
    let cancels = 0;
    made.deps.engine = (name, clusterName) => {
      const port = engine(name, clusterName);
      const held = { key, engineJobId: `fake-${key}`, state: 'failed' as const, nativeState: 'ERROR' };
      return {
        ...port,
        tagged: () => Promise.resolve(cancels === 0 ? [held] : []),
        cancel: (handle, signal) => {
          cancels += 1;
          return port.cancel(handle, signal);
        },
      };
    };
    assert.deepEqual(actions(await pass()), ['waits']);
    await later();
    assert.deepEqual(actions(await pass()), ['reaped']);
    assert.equal(cancels, 1);
    assert.deepEqual(actions(await pass()), []);
  });

  test('an owner that lives again is watched for again', async () => {
    const { key } = await job('watched-again');
    await database.pool.query('update control.engine_job set ownerless = true');
    await pass({ dryRun: true });
    assert.equal((await row(key)).ownerless, true);
    await pass();
    assert.equal((await row(key)).ownerless, false);
  });

  test('a left stream stays told when Temporal has forgotten its supervisor', async () => {
    const { owner } = await stream('long-ago');
    made.temporal.closed.add(owner);
    await pass();
    await later();
    assert.deepEqual(actions(await pass()), ['left']);
    made.temporal.endings.set(owner, 'not-found');
    assert.deepEqual(actions(await pass()), ['left']);
  });

  test('an intent that never reached the engine finds nothing to do if it still does', async () => {
    const { key, owner } = await job('on-its-way', { submit: false });
    made.temporal.closed.add(owner);
    const engine = made.deps.engine;
    const cancelled: string[] = [];
    made.deps.engine = (name, clusterName) => {
      const port = engine(name, clusterName);
      return {
        ...port,
        cancel: (handle, signal) => {
          cancelled.push(handle.key);
          return port.cancel(handle, signal);
        },
      };
    };
    await pass();
    await later();
    assert.deepEqual(actions(await pass()), ['ended']);
    assert.deepEqual(cancelled, [key], 'the engine is told before the book is closed');
  });

  test('two passes at once end a job once', async () => {
    const { key, owner } = await job('race');
    made.temporal.closed.add(owner);
    await pass();
    await later();
    await Promise.all([pass(), pass()]);
    assert.equal(alive(key), false);
    assert.deepEqual(await events((await row(key)).lineage_run_id), ['START', 'ABORT']);
  });

  test('a dry run says what would be done and changes nothing', async () => {
    const { key, owner, plan } = await job('dry');
    made.temporal.closed.add(owner);
    made.temporal.closed.add(plan.run.workflowId);
    assert.deepEqual(actions(await pass({ dryRun: true })), ['waits']);
    assert.equal((await row(key)).orphan_passes, 0);
    await pass();
    await later();
    const before = await row(key);
    const dry = await pass({ dryRun: true });
    assert.deepEqual(actions(dry), ['reaped']);
    assert.match(dry.orphans[0]?.reason ?? '', /^would be ended/);
    assert.deepEqual(await row(key), before);
    assert.equal(alive(key), true);
    assert.equal((await closeRuns(true)).length, 1);
    const { rows } = await database.pool.query('select state from control.run');
    assert.deepEqual(rows, [{ state: 'running' }]);
  });

  describe('books of runs', () => {
    const ending = async (workflowId: string): Promise<string | undefined> => {
      const { rows } = await database.pool.query<{ state: string }>(
        'select state from control.run where workflow_id = $1',
        [workflowId],
      );
      return rows[0]?.state;
    };

    test('a terminated run is cancelled, one that timed out has failed; days are free, lineage ends once', async () => {
      const cases = [
        ['terminated', 'cancelled', 'ABORT'],
        ['timed-out', 'failed', 'FAIL'],
      ] as const;
      for (const [closedAs, state, event] of cases) {
        const { plan, key } = await job(`died-${closedAs}`);
        const { run } = plan;
        await runs.claimPartition({ run, lastTry: false });
        made.temporal.closed.add(run.workflowId);
        made.temporal.endings.set(run.workflowId, closedAs);
        assert.deepEqual(await closeRuns(), [{ workflowId: run.workflowId, closedAs }]);
        assert.deepEqual(await closeRuns(), []);
        assert.equal(await ending(run.workflowId), state);
        assert.deepEqual(await events(run.lineageRunId), ['START', event]);
        assert.deepEqual(await events((await row(key)).lineage_run_id), ['START', event], 'and what it left open');
        const { rows } = await database.pool.query(
          'select held from control.partition_claim where pipeline = $1 and held',
          [run.pipeline],
        );
        assert.deepEqual(rows, []);
        await runs.finishRun({ run, outcome: 'failed', message: 'late' });
        assert.deepEqual(await events(run.lineageRunId), ['START', event]);
      }
    });

    test('old runs that nobody knows hide no dead one behind them', async () => {
      for (let index = 0; index < 20; index += 1) {
        const { run } = await resolve(`run/unknown-${index}`);
        made.temporal.closed.add(run.workflowId);
        made.temporal.endings.set(run.workflowId, 'not-found');
      }
      const { run } = await resolve('run/behind');
      made.temporal.closed.add(run.workflowId);
      assert.deepEqual(await closeRuns(), [{ workflowId: 'run/behind', closedAs: 'terminated' }]);
    });

    test('an open run, one that nobody knows and one that ended well are left alone', async () => {
      for (const state of ['open', 'not-found', 'succeeded'] as const) {
        const plan = await resolve(`run/alone-${state}`);
        if (state !== 'open') {
          made.temporal.closed.add(plan.run.workflowId);
          made.temporal.endings.set(plan.run.workflowId, state);
        }
        assert.deepEqual(await closeRuns(), []);
        assert.equal(await ending(plan.run.workflowId), 'running');
      }
    });
  });
});
