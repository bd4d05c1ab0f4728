/** The ledger of engine jobs and its watchers on a real Postgres: observations, acknowledgements, epochs. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { beatWatch, listClusters, takeWatch } from '../../infra/postgres/clusters.js';
import {
  acknowledge,
  clearOwnerless,
  getEngineJob,
  listWatched,
  markOwnerless,
  markSettled,
  markSignalled,
  recordObservation,
  type ObservedFields,
} from '../../infra/postgres/engine-jobs.js';
import { inTransaction } from '../../infra/postgres/pool.js';
import { createTestDatabase, NO_DATABASE, type TestDatabase } from '../support/curated-database.js';
import { addJob, addRunningJob } from '../support/workflow-control-store.js';

const seen = (state: string, more: Partial<ObservedFields> = {}): ObservedFields => ({
  state,
  nativeState: state.toUpperCase(),
  terminal: ['succeeded', 'failed', 'cancelled', 'lost'].includes(state),
  ...more,
});

describe('engine jobs', { skip: NO_DATABASE }, () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database?.close({ keep: false }));

  const numbers = async (key: string): Promise<[number, number]> => {
    const row = await getEngineJob(database.pool, key);
    return [Number(row?.observation), Number(row?.acked_observation)];
  };
  const watchedKeys = async (cluster: string): Promise<string[]> =>
    (await listWatched(database.pool, cluster)).map(({ key }) => key);

  test('an intent is stored once; a repeat changes nothing', async () => {
    assert.deepEqual(
      [await addJob(database.pool, 'twice'), await addJob(database.pool, 'twice', { part: 'other' })],
      [true, false],
    );
    assert.equal((await getEngineJob(database.pool, 'twice'))?.part, 'daily');
  });

  test('one submission number of an owner has one key', async () => {
    const owner = { ownerWorkflowId: 'run/same', ownerFirstRunId: 'first' };
    await addJob(database.pool, 'number-1', owner);
    await assert.rejects(addJob(database.pool, 'number-1-again', owner), { code: '23505' });
  });

  test('the observation rises with a change of our state, and with nothing else', async () => {
    await addRunningJob(database.pool, 'rises');
    assert.deepEqual(await numbers('rises'), [1, 1]);
    await recordObservation(
      database.pool,
      'rises',
      seen('running', { nativeState: 'DEPLOYING', progress: { checkpoints: 3 } }),
    );
    assert.deepEqual(await numbers('rises'), [1, 1]);
    await recordObservation(database.pool, 'rises', seen('restarting'));
    assert.deepEqual(await numbers('rises'), [2, 1]);
    const row = await getEngineJob(database.pool, 'rises');
    assert.deepEqual([row?.engine_job_id, row?.progress], ['fake-rises', { checkpoints: 3 }], 'what was known is kept');
  });

  test('an ended job never changes again', async () => {
    await addRunningJob(database.pool, 'ended');
    await recordObservation(database.pool, 'ended', seen('failed', { reason: 'division by zero', blame: 'user' }));
    assert.equal(await recordObservation(database.pool, 'ended', seen('running')), undefined);
    const row = await getEngineJob(database.pool, 'ended');
    assert.deepEqual([row?.state, row?.reason, row?.blame], ['failed', 'division by zero', 'user']);
    assert.ok(row?.ended_at);
  });

  test('an acknowledgement covers exactly what it gives back, whichever observation the owner was told of', async () => {
    await addRunningJob(database.pool, 'acks');
    await recordObservation(database.pool, 'acks', seen('restarting'));
    await recordObservation(database.pool, 'acks', seen('failed'));
    const row = await acknowledge(database.pool, 'acks');
    assert.deepEqual([row?.state, row?.observation, row?.acked_observation], ['failed', '3', '3']);
    await acknowledge(database.pool, 'acks');
    assert.deepEqual(await numbers('acks'), [3, 3]);
    assert.equal(await acknowledge(database.pool, 'nobody'), undefined);
  });

  test('a lost job keeps the point that the next one may start from', async () => {
    await addRunningJob(database.pool, 'restorable');
    await recordObservation(database.pool, 'restorable', seen('running', { restorePoint: 'file:///cp/7' }));
    const row = await recordObservation(database.pool, 'restorable', seen('lost', { blame: 'platform' }));
    assert.deepEqual([row?.state, row?.restore_point], ['lost', 'file:///cp/7']);
  });

  test('a change of a settled submission is stored, but waits for nobody', async () => {
    await addRunningJob(database.pool, 'left', { cluster: 'left' });
    await inTransaction(database.pool, (client) => markSettled(client, 'left', 'failed'));
    await recordObservation(database.pool, 'left', seen('stopping'));
    assert.deepEqual(await numbers('left'), [2, 2]);
    assert.deepEqual(await watchedKeys('left'), ['left'], 'it still runs');
    await recordObservation(database.pool, 'left', seen('cancelled'));
    assert.deepEqual(await numbers('left'), [3, 3]);
    assert.deepEqual(await watchedKeys('left'), []);
  });

  test('watched is what runs, or ended and is not acknowledged, with an owner', async () => {
    const cluster = 'watched';
    await addJob(database.pool, 'not-submitted', { cluster });
    await addRunningJob(database.pool, 'elsewhere');
    for (const key of ['runs', 'told', 'untold', 'orphan']) await addRunningJob(database.pool, key, { cluster });
    for (const key of ['told', 'untold']) await recordObservation(database.pool, key, seen('succeeded'));
    await acknowledge(database.pool, 'told');
    const epoch = await takeWatch(database.pool, cluster, 'flink');
    await markOwnerless(database.pool, 'orphan', { cluster, epoch });
    assert.deepEqual((await watchedKeys(cluster)).sort(), ['runs', 'untold']);
  });

  test('a watcher that was replaced marks nothing any more', async () => {
    const cluster = 'replaced';
    await addRunningJob(database.pool, 'marked', { cluster });
    const epoch = await takeWatch(database.pool, cluster, 'flink');
    await takeWatch(database.pool, cluster, 'flink');
    await markOwnerless(database.pool, 'marked', { cluster, epoch });
    await markSignalled(database.pool, 'marked', { cluster, epoch });
    const row = await getEngineJob(database.pool, 'marked');
    assert.deepEqual([row?.ownerless, row?.signal_attempts, row?.signalled_at], [false, 0, null]);
  });

  test('an owner that speaks again is watched for again', async () => {
    const cluster = 'revived';
    const epoch = await takeWatch(database.pool, cluster, 'flink');
    const revivals: [string, (key: string) => Promise<unknown>][] = [
      ['acknowledged', (key) => acknowledge(database.pool, key)],
      ['asked', (key) => recordObservation(database.pool, key, seen('running'), { acknowledge: true })],
      ['cleared', (key) => clearOwnerless(database.pool, [key])],
    ];
    for (const [key, revive] of revivals) {
      await addRunningJob(database.pool, key, { cluster });
      await markOwnerless(database.pool, key, { cluster, epoch });
      assert.ok(!(await watchedKeys(cluster)).includes(key));
      await revive(key);
      assert.ok((await watchedKeys(cluster)).includes(key), key);
    }
    await addRunningJob(database.pool, 'only-seen', { cluster });
    await markOwnerless(database.pool, 'only-seen', { cluster, epoch });
    await recordObservation(database.pool, 'only-seen', seen('running'), { watcher: { cluster, epoch } });
    assert.ok(!(await watchedKeys(cluster)).includes('only-seen'), 'what a watcher sees says nothing about the owner');
  });

  test('whatever an engine says can be stored: NUL, halves of emoji, in every text', async () => {
    const nasty = 'a\u0000b\ud83dc\udc00d';
    await addRunningJob(database.pool, 'nasty', { cluster: 'nasty' });
    const stored = await recordObservation(database.pool, 'nasty', {
      ...seen('failed'),
      nativeState: nasty,
      engineJobId: nasty,
      link: nasty,
      reason: nasty,
      restorePoint: nasty,
      progress: { last: nasty },
      terminal: true,
    });
    const shown = 'a\ufffdb\ufffdc\ufffdd';
    assert.deepEqual(
      [stored?.reason, stored?.native_state, stored?.link, stored?.restore_point, stored?.progress?.['last']],
      [shown, shown, shown, shown, shown],
    );
    const epoch = await takeWatch(database.pool, 'nasty', 'flink');
    await beatWatch(database.pool, 'nasty', epoch, { reachable: false, message: nasty });
    assert.equal((await listClusters(database.pool)).find(({ name }) => name === 'nasty')?.message, shown);
  });

  test('falling silent for too long is news once, even for a job that was unknown before', async () => {
    await addRunningJob(database.pool, 'silent', { cluster: 'silent' });
    await recordObservation(database.pool, 'silent', { ...seen('unknown'), nativeState: 'NOT_FOUND' });
    const [before] = await numbers('silent');
    for (let times = 0; times < 2; times += 1) {
      await recordObservation(database.pool, 'silent', { ...seen('unknown'), nativeState: 'UNREACHABLE' });
    }
    const [after] = await numbers('silent');
    assert.equal(Number(after), Number(before) + 1);
  });

  test('a settled submission is closed once, and nobody is told of it any more', async () => {
    await addRunningJob(database.pool, 'settled', { cluster: 'settling' });
    await recordObservation(database.pool, 'settled', seen('cancelled'));
    const settle = (outcome: string) =>
      inTransaction(database.pool, (client) => markSettled(client, 'settled', outcome));
    assert.deepEqual([await settle('cancelled'), await settle('failed')], [true, false]);
    assert.equal((await getEngineJob(database.pool, 'settled'))?.settled, 'cancelled');
    assert.deepEqual(await watchedKeys('settling'), []);
  });

  test('a watcher that was replaced can write no more', async () => {
    const { pool } = database;
    await addRunningJob(pool, 'epochs', { cluster: 'epochs' });
    const old = await takeWatch(pool, 'epochs', 'flink');
    const now = await takeWatch(pool, 'epochs', 'flink');
    assert.equal(now, old + 1);
    const as = (epoch: number) => ({ watcher: { cluster: 'epochs', epoch } });
    assert.equal(await recordObservation(pool, 'epochs', seen('failed'), as(old)), undefined);
    assert.equal(await beatWatch(pool, 'epochs', old, { reachable: true }), undefined);
    assert.equal((await recordObservation(pool, 'epochs', seen('restarting'), as(now)))?.state, 'restarting');
    assert.deepEqual(await beatWatch(pool, 'epochs', now, { reachable: true }), { unreachableSince: null });
  });

  test('a cluster that is away keeps the time since when', async () => {
    const { pool } = database;
    const epoch = await takeWatch(pool, 'away', 'spark');
    const read = async () => (await listClusters(pool)).find(({ name }) => name === 'away');
    await beatWatch(pool, 'away', epoch, { reachable: false, message: 'connection refused' });
    const since = (await read())?.unreachable_since;
    assert.ok(since);
    await beatWatch(pool, 'away', epoch, { reachable: false, message: 'still refused' });
    const still = await read();
    assert.deepEqual([still?.unreachable_since, still?.reachable, still?.message], [since, false, 'still refused']);
    await beatWatch(pool, 'away', epoch);
    assert.deepEqual((await read())?.reachable, false, 'a beat without an answer says nothing about the cluster');
    await beatWatch(pool, 'away', epoch, { reachable: true });
    const back = await read();
    assert.deepEqual([back?.unreachable_since, back?.reachable, back?.message], [null, true, null]);
  });
});
