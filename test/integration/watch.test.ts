/** The watch loop with a fake cluster and a real Postgres: one list per interval, who is told what, and who is left alone. */
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { EnginePort } from '../../engines/port.js';
import { createWatchActivities } from '../../activities/watch.js';
import { SluiceError } from '../../infra/errors.js';
import {
  acknowledge,
  getEngineJob,
  listWatched,
  markSettled,
  recordObservation,
  type EngineJobRow,
} from '../../infra/postgres/engine-jobs.js';
import { inTransaction } from '../../infra/postgres/pool.js';
import { listClusters, takeWatch } from '../../infra/postgres/clusters.js';
import type { WatchReport } from '../../workflows/contracts/messages.js';
import { createTestDatabase, NO_DATABASE, type TestDatabase } from '../support/curated-database.js';
import { FakeCluster } from '../support/fake-engine.js';
import { testSpec } from '../support/job-specs.js';
import { addRunningJob } from '../support/workflow-control-store.js';
import { createTestDeps, type TestDeps } from '../support/workflow-deps.js';
import { until, within } from '../support/workflow-until.js';

const HOUR_MS = 3_600_000;

interface Watch extends TestDeps {
  name: string;
  cluster: FakeCluster;
  /** Handles per list request so far. */
  lists: number[];
  /** What list requests fail with, while it is set. */
  fault: { ofLists?: Error };
  pass: Promise<WatchReport>;
  environment: MockActivityEnvironment;
  /** Lets the loop go round a few times more. */
  rounds(count?: number): Promise<void>;
  /** The same when nothing is asked: the watcher writes that it lives. */
  beats(count?: number): Promise<void>;
  row(key: string): Promise<EngineJobRow>;
}

describe('watchCluster', { skip: NO_DATABASE, concurrency: 4 }, () => {
  let database: TestDatabase;
  let counter = 0;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database?.close({ keep: false }));

  /** Starts watching a cluster of its own, which has these jobs running. */
  async function watching(context: TestContext, keys: readonly string[], watchIntervalMs = 20): Promise<Watch> {
    counter += 1;
    const name = `cluster-${counter}`;
    const cluster = new FakeCluster();
    const made = createTestDeps(database, cluster, { watchIntervalMs });
    const lists: number[] = [];
    const fault: Watch['fault'] = {};
    const { engine } = made.deps;
    const port = engine('flink', name);
    for (const key of keys) {
      await port.submit(testSpec('flink', key), key);
      await addRunningJob(database.pool, key, { cluster: name });
    }
    cluster.requests = 0;
    made.deps.engine = (engineName, clusterName): EnginePort => {
      const real = engine(engineName, clusterName);
      return {
        ...real,
        observeAll: (handles, signal) => {
          lists.push(handles.length);
          return fault.ofLists ? Promise.reject(fault.ofLists) : real.observeAll(handles, signal);
        },
      };
    };
    const environment = new MockActivityEnvironment();
    const activities = createWatchActivities(made.deps);
    const watch = (): Promise<WatchReport> => activities.watchCluster({ engine: 'flink', cluster: name });
    const pass = environment.run<[], WatchReport, typeof watch>(watch);
    pass.catch(() => undefined);
    context.after(async () => {
      environment.cancel();
      await pass.catch(() => undefined);
    });
    const rounds = async (count = 3): Promise<void> => {
      const from = lists.length;
      await until(`${count} rounds`, () => lists.length >= from + count);
    };
    const beats = async (count = 3): Promise<void> => {
      const seen = new Set<string>();
      await until(`${count} beats`, async () => {
        const found = (await listClusters(database.pool)).find((one) => one.name === name);
        return seen.add(found?.heartbeat_at ?? '').size > count;
      });
    };
    const row = async (key: string): Promise<EngineJobRow> => (await getEngineJob(database.pool, key)) as EngineJobRow;
    return { ...made, name, cluster, lists, fault, pass, environment, rounds, beats, row };
  }

  test('asks once per interval, however many jobs there are, and tells nobody when nothing changed', async (t) => {
    const keys = Array.from({ length: 40 }, (_, index) => `many-${index}`);
    const watch = await watching(t, keys);
    await watch.rounds(5);
    assert.deepEqual(new Set(watch.lists), new Set([40]));
    assert.ok(
      watch.cluster.requests - watch.lists.length <= 1,
      `${watch.cluster.requests} requests for ${watch.lists.length} rounds`,
    );
    assert.deepEqual(watch.temporal.signals, []);
    watch.advance(HOUR_MS);
    const report = await within('the pass', watch.pass);
    assert.deepEqual([report.cluster, report.watched, report.signals], [watch.name, 40, 0]);
    assert.equal(report.requests, watch.lists.length);
  });

  test('an empty cluster is not asked at all', async (t) => {
    const watch = await watching(t, []);
    await watch.beats();
    watch.advance(HOUR_MS);
    assert.equal((await within('the pass', watch.pass)).requests, 0);
    assert.equal(watch.cluster.requests, 0);
  });

  test('a change is stored, then its owner alone is told', async (t) => {
    const watch = await watching(t, ['change-a', 'change-b']);
    watch.cluster.set('change-a', 'restarting', { restarts: 1 });
    await until('a signal', () => watch.temporal.signals.length > 0);
    assert.deepEqual(watch.temporal.signals, [
      { workflowId: 'run/change-a', key: 'change-a', observation: 2, state: 'restarting' },
    ]);
    const row = await watch.row('change-a');
    assert.deepEqual(
      [row.state, row.restarts, Number(row.observation), Number(row.acked_observation)],
      ['restarting', 1, 2, 1],
    );
    await acknowledge(database.pool, 'change-a');
    await watch.rounds();
    assert.equal(watch.temporal.signals.length, 1);
    assert.equal((await watch.row('change-b')).state, 'running');
  });

  test('an ended job is looked at once for its reason, and watched no more after its acknowledgement', async (t) => {
    const watch = await watching(t, ['ends', 'stays']);
    watch.cluster.fail('ends', 'column sales not found');
    await until('a signal', () => watch.temporal.signals.length > 0);
    const row = await watch.row('ends');
    assert.deepEqual([row.state, row.reason, row.blame], ['failed', 'column sales not found', 'user']);
    assert.deepEqual(
      (await listWatched(database.pool, watch.name)).map(({ key }) => key),
      ['ends', 'stays'],
    );
    await acknowledge(database.pool, 'ends');
    await watch.rounds();
    assert.deepEqual(
      (await listWatched(database.pool, watch.name)).map(({ key }) => key),
      ['stays'],
    );
    assert.equal(watch.lists.at(-1), 1);
  });

  test('what is not acknowledged is sent again with growing waits, until it is', async (t) => {
    const watch = await watching(t, ['deaf-owner']);
    watch.cluster.succeed('deaf-owner');
    const sent = (): number => watch.temporal.signals.length;
    await until('the first signal', () => sent() === 1);
    await until('it is noted', async () => (await watch.row('deaf-owner')).signal_attempts === 1);
    await watch.beats();
    assert.equal(sent(), 1, 'not at once');
    watch.advance(5_500);
    await until('the second signal', () => sent() === 2);
    // The time of a signal is the database's, which stands still here: all advances count since then.
    watch.advance(3_000);
    await watch.beats();
    assert.equal(sent(), 2, 'the second wait is longer');
    watch.advance(3_000);
    await until('the third signal', () => sent() === 3);
    assert.deepEqual(new Set(watch.temporal.signals.map(({ observation }) => observation)), new Set([2]));
    await acknowledge(database.pool, 'deaf-owner');
    await until('nothing is watched', async () => (await listWatched(database.pool, watch.name)).length === 0);
    // A round may have read the row before it was acknowledged.
    await watch.beats();
    watch.advance(600_000);
    await watch.beats();
    assert.equal(sent(), 3);
  });

  test('only a job whose owner is certainly closed becomes ownerless', async (t) => {
    const watch = await watching(t, ['orphan', 'unreachable-owner']);
    for (const key of ['orphan', 'unreachable-owner']) watch.temporal.deaf.add(`run/${key}`);
    watch.temporal.closed.add('run/orphan');
    for (const key of ['orphan', 'unreachable-owner']) watch.cluster.set(key, 'restarting');
    await until('the orphan is marked', async () => (await watch.row('orphan')).ownerless);
    await watch.rounds();
    assert.deepEqual(
      (await listWatched(database.pool, watch.name)).map(({ key }) => key),
      ['unreachable-owner'],
    );
    assert.equal((await watch.row('unreachable-owner')).ownerless, false);
    watch.temporal.deaf.clear();
    await until('the other owner is told', () => watch.temporal.signals.some(({ key }) => key === 'unreachable-owner'));
  });

  test('a job that the engine does not know is lost only after repeated answers over the grace time', async (t) => {
    const watch = await watching(t, ['forgotten', 'known']);
    watch.cluster.forget('forgotten');
    await watch.rounds(6);
    assert.equal((await watch.row('forgotten')).ended_at, null, 'many answers in a short time are not enough');
    watch.advance(16_000);
    await until('it is lost', async () => (await watch.row('forgotten')).state === 'lost');
    const row = await watch.row('forgotten');
    assert.match(row.reason ?? '', /the engine answered \d+ times in \d+ s that it does not know the job/);
    assert.equal(row.blame, 'platform');
    assert.equal((await watch.row('known')).state, 'running');
    await until('its owner is told', () =>
      watch.temporal.signals.some(({ key, state }) => key === 'forgotten' && state === 'lost'),
    );
  });

  test('a job that is found again starts its grace time anew', async (t) => {
    const watch = await watching(t, ['flickers']);
    const job = watch.cluster.jobs.get('flickers');
    assert.ok(job);
    watch.cluster.forget('flickers');
    await watch.rounds(4);
    watch.cluster.jobs.set('flickers', job);
    await watch.rounds();
    watch.advance(16_000);
    watch.cluster.forget('flickers');
    await watch.rounds(4);
    const row = await watch.row('flickers');
    assert.deepEqual([row.state, row.ended_at], ['unknown', null]);
  });

  test('a cluster that is away changes no job; it is noted, and forgotten when it is back', async (t) => {
    const watch = await watching(t, ['waits-a', 'waits-b']);
    const cluster = async () => (await listClusters(database.pool)).find(({ name }) => name === watch.name);
    watch.cluster.away = true;
    await until('it is noted', async () => (await cluster())?.reachable === false);
    assert.match((await cluster())?.message ?? '', /away/);
    await watch.rounds(2);
    for (const key of ['waits-a', 'waits-b']) {
      const row = await watch.row(key);
      assert.deepEqual([row.state, Number(row.observation), row.ended_at], ['running', 1, null]);
    }
    assert.deepEqual(watch.temporal.signals, []);
    watch.cluster.away = false;
    await until('it is back', async () => (await cluster())?.reachable === true);
    assert.equal((await cluster())?.unreachable_since, null);
  });

  /** Gives the jobs a limit of their own for silence. */
  const limitSilence = (keys: readonly string[], ms: number) =>
    database.pool.query(
      `update control.engine_job set spec = spec || jsonb_build_object('statusTimeoutMs', $2::int) where key = any($1)`,
      [keys, ms],
    );

  test('silence of the cluster is told once, when the job’s own limit has passed, with the time it began', async (t) => {
    const watch = await watching(t, ['short', 'long', 'endless']);
    await limitSilence(['short'], 60_000);
    await limitSilence(['long'], 600_000);
    watch.cluster.away = true;
    const cluster = async () => (await listClusters(database.pool)).find(({ name }) => name === watch.name);
    await until('it is noted', async () => (await cluster())?.reachable === false);
    const since = new Date(Date.parse((await cluster())?.unreachable_since ?? '')).toISOString();
    watch.advance(50_000);
    await watch.rounds(1);
    assert.equal((await watch.row('short')).state, 'running', 'not before its limit');
    watch.advance(15_000);
    await until('the owner is told', () => watch.temporal.signals.length === 1);
    const row = await watch.row('short');
    assert.deepEqual(
      [row.state, row.native_state, row.reason, row.ended_at],
      ['unknown', 'UNREACHABLE', `status unknown since ${since}`, null],
    );
    await acknowledge(database.pool, 'short');
    await watch.rounds(1);
    assert.deepEqual(
      watch.temporal.signals.map(({ key, state }) => [key, state]),
      [['short', 'unknown']],
    );
    assert.equal((await watch.row('long')).state, 'running');
    watch.cluster.away = false;
    await until('it is told that the job runs', () =>
      watch.temporal.signals.some(({ key, state }) => key === 'short' && state === 'running'),
    );
    assert.equal((await watch.row('endless')).state, 'running');
  });

  test('one job about which nothing usable is said is told of alone', async (t) => {
    const watch = await watching(t, ['mute', 'fine']);
    await limitSilence(['mute', 'fine'], 60_000);
    watch.cluster.set('mute', 'unknown', { nativeState: 'NO_STATUS' });
    await watch.rounds(2);
    watch.advance(61_000);
    await until('it is told', () => watch.temporal.signals.some(({ key }) => key === 'mute' && true));
    await until('it is unreachable', async () => (await watch.row('mute')).native_state === 'UNREACHABLE');
    const told = (await watch.row('mute')).observation;
    await watch.rounds(3);
    assert.equal((await watch.row('mute')).observation, told, 'once');
    assert.equal((await watch.row('fine')).state, 'running');
    watch.cluster.set('mute', 'running');
    await until('it runs again', async () => (await watch.row('mute')).state === 'running');
  });

  test('running and restarting in turn is told at most once a minute, with a count; an end at once', async (t) => {
    const watch = await watching(t, ['flaps']);
    const sent = () => watch.temporal.signals.filter(({ key }) => key === 'flaps');
    const become = async (state: 'running' | 'restarting'): Promise<void> => {
      watch.cluster.set('flaps', state);
      await until(`it is ${state}`, async () => (await watch.row('flaps')).state === state);
    };
    await become('restarting');
    await until('the first is told at once', () => sent().length === 1);
    await acknowledge(database.pool, 'flaps');
    for (const state of ['running', 'restarting', 'running'] as const) await become(state);
    await watch.rounds(3);
    assert.equal(sent().length, 1);
    watch.advance(61_000);
    // It may come again at once: the time of a signal is the database's, which has not been advanced.
    await until('the rest is told together', () => sent().length >= 2);
    assert.deepEqual([sent()[1]?.state, sent()[1]?.changes], ['running', 3]);
    await acknowledge(database.pool, 'flaps');
    await become('restarting');
    watch.cluster.fail('flaps', 'gave up');
    await until('the end is told at once', () => sent().some(({ state }) => state === 'failed'));
  });

  test('a crowd of ends does not queue up behind itself', async (t) => {
    const keys = Array.from({ length: 40 }, (_, index) => `crowd-${index}`);
    const watch = await watching(t, keys);
    let open = 0;
    let most = 0;
    const tell = watch.temporal.signalJobChanged.bind(watch.temporal);
    watch.temporal.signalJobChanged = async (workflowId, change) => {
      most = Math.max(most, (open += 1));
      await new Promise((resolve) => setImmediate(resolve));
      open -= 1;
      return tell(workflowId, change);
    };
    for (const key of keys) watch.cluster.succeed(key);
    await until('all are told', () => new Set(watch.temporal.signals.map(({ key }) => key)).size === keys.length);
    assert.ok(most > 1 && most <= 32, `${most} at once`);
  });

  test('a text that no database can hold stops no other job’s news', async (t) => {
    const watch = await watching(t, ['nul', 'beside']);
    watch.cluster.fail('nul', 'unexpected character \u0000 in record');
    watch.cluster.succeed('beside');
    await until('both are told', () => new Set(watch.temporal.signals.map(({ key }) => key)).size === 2);
    assert.equal((await watch.row('nul')).reason, 'unexpected character \ufffd in record');
  });

  test('the log of an ended job is kept beside the loop, and a store that is away delays nobody', async (t) => {
    const watch = await watching(t, ['logged', 'after']);
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const put = watch.objects.putText.bind(watch.objects);
    watch.objects.putText = async (url, text) => {
      await held;
      return put(url, text);
    };
    watch.cluster.fail('logged', 'column sales not found');
    await until('its owner is told', () => watch.temporal.signals.some(({ key }) => key === 'logged'));
    watch.cluster.succeed('after');
    await until('the next one too', () => watch.temporal.signals.some(({ key }) => key === 'after'));
    assert.equal((await watch.row('logged')).log_url, null);
    letGo();
    await until('the log is kept', async () => (await watch.row('logged')).log_url !== null);
    assert.match(String(watch.objects.objects.get('s3://lake/_logs/logged.log')), /column sales not found/);
  });

  test('a cluster that answers with a refusal counts as away, and the watcher goes on', async (t) => {
    const watch = await watching(t, ['refused']);
    const cluster = async () => (await listClusters(database.pool)).find(({ name }) => name === watch.name);
    for (const error of [new SluiceError('ENGINE_REJECTED', 'HTTP 403 password=hunter2'), new TypeError('a bug')]) {
      watch.fault.ofLists = error;
      await until('it is noted', async () => (await cluster())?.reachable === false);
      assert.match((await cluster())?.message ?? '', /^(HTTP 403 password=\*\*\*|a bug)$/);
      delete watch.fault.ofLists;
      await until('it is back', async () => (await cluster())?.reachable === true);
    }
    watch.cluster.set('refused', 'restarting');
    await until('a signal', () => watch.temporal.signals.length === 1);
  });

  test('while the cluster is away, its ended jobs are still told of; for them alone it is not asked', async (t) => {
    const watch = await watching(t, ['over']);
    const cluster = async () => (await listClusters(database.pool)).find(({ name }) => name === watch.name);
    watch.cluster.away = true;
    await until('it is noted', async () => (await cluster())?.reachable === false);
    await recordObservation(database.pool, 'over', { state: 'failed', nativeState: 'FAILED', terminal: true });
    await until('its owner is told', () => watch.temporal.signals.length === 1);
    const asked = watch.lists.length;
    await watch.beats();
    assert.equal(watch.lists.length, asked);
    assert.equal((await cluster())?.reachable, false, 'nobody has asked since');
  });

  test('a stranger under the id of a closed owner is signalled twice and then left alone', async (t) => {
    const watch = await watching(t, ['reused-id']);
    watch.temporal.closed.add('run/reused-id');
    watch.cluster.set('reused-id', 'restarting');
    for (const sent of [1, 2]) {
      await until('a signal', async () => (await watch.row('reused-id')).signal_attempts === sent);
      watch.advance(20_000);
    }
    await until('it is left alone', async () => (await watch.row('reused-id')).ownerless);
    assert.equal(watch.temporal.signals.length, 2);
  });

  test('mere progress is written every 10 s at most, a restore point at once', async (t) => {
    const watch = await watching(t, ['progress']);
    const report = (checkpoints: number, more = {}): void =>
      watch.cluster.set('progress', 'running', { progress: { checkpoints, uptimeMs: checkpoints }, ...more });
    const stored = async () => (await watch.row('progress')).progress?.['checkpoints'];
    await until('it is observed', async () => (await watch.row('progress')).link !== null);
    report(1);
    await watch.rounds();
    assert.equal(await stored(), undefined);
    watch.advance(10_500);
    await until('it is written', async () => (await stored()) === 1);
    report(2, { restorePoint: 'file:///cp/2' });
    await until('it is written', async () => (await watch.row('progress')).restore_point === 'file:///cp/2');
    assert.equal(await stored(), 2);
    assert.deepEqual(watch.temporal.signals, []);
  });

  test('a settled job that changes is nobody’s news', async (t) => {
    const watch = await watching(t, ['settled-early']);
    await inTransaction(database.pool, (client) => markSettled(client, 'settled-early', 'failed'));
    watch.cluster.set('settled-early', 'cancelled');
    await until('it has ended', async () => (await watch.row('settled-early')).ended_at !== null);
    await until('nothing is watched', async () => (await listWatched(database.pool, watch.name)).length === 0);
    assert.deepEqual(watch.temporal.signals, []);
  });

  test('a watcher that was replaced ends its pass by itself', async (t) => {
    const watch = await watching(t, ['handed-over']);
    await watch.rounds();
    await takeWatch(database.pool, watch.name, 'flink');
    watch.cluster.set('handed-over', 'restarting');
    await within('the pass', watch.pass);
    assert.equal((await watch.row('handed-over')).state, 'running');
    assert.deepEqual(watch.temporal.signals, []);
  });

  test('what the engine says is stored before the owner is told', async (t) => {
    const watch = await watching(t, ['stored-first']);
    const stored: string[] = [];
    const tell = watch.temporal.signalJobChanged.bind(watch.temporal);
    watch.temporal.signalJobChanged = async (workflowId, change) => {
      const { state, observation } = await watch.row(change.key);
      stored.push(`${state} ${observation}`);
      return tell(workflowId, change);
    };
    watch.cluster.set('stored-first', 'restarting');
    await until('a signal', () => watch.temporal.signals.length === 1);
    assert.deepEqual(stored, ['restarting 2']);
  });

  test('the next watcher raises the epoch and tells what its predecessor stored and did not tell', async (t) => {
    const watch = await watching(t, ['untold', 'calm']);
    const epoch = async (): Promise<number> => {
      const { rows } = await database.pool.query<{ epoch: string }>(
        'select epoch from control.cluster where name = $1',
        [watch.name],
      );
      return Number(rows[0]?.epoch);
    };
    await watch.rounds(1);
    assert.equal(await epoch(), 1);
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    watch.temporal.signalJobChanged = () => held.then(() => true);
    watch.cluster.set('untold', 'restarting');
    await until('it is stored', async () => (await watch.row('untold')).state === 'restarting');

    const next = createTestDeps(database, watch.cluster);
    const environment = new MockActivityEnvironment();
    const activities = createWatchActivities(next.deps);
    const pass = environment.run<[], WatchReport, () => Promise<WatchReport>>(() =>
      activities.watchCluster({ engine: 'flink', cluster: watch.name }),
    );
    try {
      await until('a signal of the next one', () => next.temporal.signals.length === 1);
      assert.equal(await epoch(), 2);
      assert.deepEqual(next.temporal.signals, [
        { workflowId: 'run/untold', key: 'untold', observation: 2, state: 'restarting' },
      ]);
      await until('it is noted', async () => (await watch.row('untold')).signal_attempts === 1);
      letGo();
      await within('the end of the first one', watch.pass);
      assert.equal((await watch.row('untold')).signal_attempts, 1, 'the first one notes nothing any more');
    } finally {
      letGo();
      environment.cancel();
      await pass.catch(() => undefined);
    }
  });

  test('a watcher that stops ends no job and leaves everything to the next one', async (t) => {
    const watch = await watching(t, ['goes-on-a', 'goes-on-b']);
    const { engine } = watch.deps;
    let cancels = 0;
    watch.deps.engine = (name, cluster) => ({
      ...engine(name, cluster),
      cancel: (handle, signal) => {
        cancels += 1;
        return engine(name, cluster).cancel(handle, signal);
      },
    });
    await watch.rounds(1);
    watch.environment.cancel();
    await assert.rejects(within('the pass', watch.pass), CancelledFailure);
    assert.equal(cancels, 0);
    assert.deepEqual(
      [...watch.cluster.jobs.values()].map(({ observation }) => observation.state),
      ['running', 'running'],
    );
    assert.deepEqual(
      (await listWatched(database.pool, watch.name)).map(({ key }) => key),
      ['goes-on-a', 'goes-on-b'],
    );
  });

  test('a job submitted while it watches is read with the next interval', async (t) => {
    const watch = await watching(t, ['first-job']);
    await watch.rounds(1);
    await watch.deps.engine('flink', watch.name).submit(testSpec('flink', 'second-job'), 'second-job');
    await addRunningJob(database.pool, 'second-job', { cluster: watch.name });
    await until('both are asked for', () => watch.lists.at(-1) === 2);
    watch.cluster.set('second-job', 'restarting');
    await until('its owner is told', () => watch.temporal.signals.some(({ key }) => key === 'second-job'));
  });

  test('a notification wakes it long before its interval is over', async (t) => {
    const watch = await watching(t, ['sleeps'], 60_000);
    await until('the first round', () => watch.lists.length === 1);
    watch.cluster.set('sleeps', 'restarting');
    await until('a round', async () => {
      await database.pool.query('select pg_notify($1, $2)', ['sluice_engine_job', watch.name]);
      return watch.temporal.signals.length > 0;
    });
  });

  test('a cancel ends it as cancelled', async (t) => {
    const watch = await watching(t, ['stopped']);
    await watch.rounds(1);
    watch.environment.cancel();
    await assert.rejects(within('the pass', watch.pass), CancelledFailure);
  });
});
