/** Claims on a real Postgres: one writer per day, takeover only from the closed, a fence that only rises. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { releaseClaims, takeClaims, type Busy } from '../../infra/postgres/claims.js';
import { inTransaction } from '../../infra/postgres/pool.js';
import { createTestDatabase, NO_DATABASE, type TestDatabase } from '../support/curated-database.js';
import { addRun } from '../support/workflow-control-store.js';

describe('claims', { skip: NO_DATABASE }, () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database?.close({ keep: false }));

  const owner = (workflowId: string) => ({ workflowId, firstRunId: `first of ${workflowId}` });
  const take = (pipeline: string, workflowId: string, from: string, to: string, closed: readonly string[] = []) =>
    takeClaims(database.pool, {
      ...{ pipeline, from, to, owner: owner(workflowId) },
      isOwnerClosed: async (other) => closed.includes(other.workflowId),
    });
  const release = (workflowId: string) =>
    inTransaction(database.pool, (client) => releaseClaims(client, owner(workflowId)));
  const fenceOf = (taken: Awaited<ReturnType<typeof take>>): number => {
    assert.ok(taken.granted, 'the claim was refused');
    return taken.fence;
  };
  const rows = async (pipeline: string): Promise<string[]> => {
    const found = await database.pool.query<{ line: string }>(
      `select concat_ws(' ', day, owner_workflow_id, fence, held) as line from control.partition_claim
       where pipeline = $1 order by day`,
      [pipeline],
    );
    return found.rows.map(({ line }) => line);
  };

  test('the first owner gets the day, a living one keeps it', async () => {
    await addRun(database.pool, 'a', '1997-01-02');
    assert.equal(fenceOf(await take('one', 'a', '1997-01-02', '1997-01-03')), 1);
    const busy = (await take('one', 'b', '1997-01-02', '1997-01-03')) as Busy;
    assert.deepEqual(busy, {
      granted: false,
      busyWith: owner('a'),
      firstBusyDay: '1997-01-02',
      busyPartition: '1997-01-02',
    });
    assert.deepEqual(await rows('one'), ['1997-01-02 a 1 t']);
  });

  test('a repeat by the same owner keeps the day and raises the fence', async () => {
    assert.deepEqual(
      [
        fenceOf(await take('repeat', 'a', '1997-01-02', '1997-01-03')),
        fenceOf(await take('repeat', 'a', '1997-01-02', '1997-01-03')),
      ],
      [1, 2],
    );
  });

  test('the same id in another execution chain is another owner', async () => {
    await take('chains', 'a', '1997-01-02', '1997-01-03');
    const again = await takeClaims(database.pool, {
      ...{
        pipeline: 'chains',
        from: '1997-01-02',
        to: '1997-01-03',
        owner: { workflowId: 'a', firstRunId: 'another' },
      },
      isOwnerClosed: async () => false,
    });
    assert.equal(again.granted, false);
  });

  test('a day of a closed owner is taken over, under a higher fence', async () => {
    await take('takeover', 'dead', '1997-01-02', '1997-01-03');
    const taken = await take('takeover', 'heir', '1997-01-02', '1997-01-03', ['dead']);
    assert.deepEqual(taken, { granted: true, fence: 2, takenOverFrom: ['dead'] });
  });

  test('what is done about the old owners happens with the takeover or not at all', async () => {
    for (const [name, day] of [
      ['dead-1', 2],
      ['dead-2', 3],
    ] as const) {
      await take('heirs', name, `1997-01-0${day}`, `1997-01-0${day + 1}`);
    }
    const calls: string[][] = [];
    const takeAll = (fail: boolean) =>
      takeClaims(database.pool, {
        ...{ pipeline: 'heirs', from: '1997-01-01', to: '1997-01-05', owner: owner('heir') },
        isOwnerClosed: async () => true,
        onTakenOver: async (_client, owners) => {
          calls.push(owners.map(({ workflowId }) => workflowId));
          if (fail) throw new Error('no lineage');
        },
      });
    await assert.rejects(takeAll(true), /no lineage/);
    assert.deepEqual(await rows('heirs'), ['1997-01-02 dead-1 1 t', '1997-01-03 dead-2 1 t']);
    assert.deepEqual((await takeAll(false)).granted, true);
    assert.deepEqual((await takeAll(true)).granted, true, 'nobody is left to take from');
    assert.deepEqual(calls, Array(2).fill(['dead-1', 'dead-2']));
  });

  test('what the old owner lets go afterwards does not free the days of the new one', async () => {
    await take('late', 'dead', '1997-01-02', '1997-01-03');
    await take('late', 'heir', '1997-01-02', '1997-01-03', ['dead']);
    await release('dead');
    assert.deepEqual(await rows('late'), ['1997-01-02 heir 2 t']);
  });

  test('a released day is free, and its fence stays', async () => {
    await take('free', 'a', '1997-01-02', '1997-01-03');
    await release('a');
    const taken = await take('free', 'b', '1997-01-02', '1997-01-03');
    assert.deepEqual(taken, { granted: true, fence: 2, takenOverFrom: [] });
  });

  test('a range takes all its days or none, with one fence above all of them', async () => {
    for (let turn = 0; turn < 4; turn += 1) await take('range', 'day', '1997-01-03', '1997-01-04');
    const busy = (await take('range', 'range', '1997-01-01', '1997-01-06')) as Busy;
    assert.deepEqual([busy.granted, busy.firstBusyDay], [false, '1997-01-03']);
    assert.deepEqual(
      (await rows('range')).filter((line) => line.endsWith(' t')),
      ['1997-01-03 day 4 t'],
    );
    await release('day');
    assert.equal(fenceOf(await take('range', 'range', '1997-01-01', '1997-01-06')), 5);
    assert.deepEqual(
      (await rows('range')).map((line) => line.split(' ').slice(1).join(' ')),
      Array(5).fill('range 5 t'),
    );
  });

  test('other pipelines and neighbouring days are nobody else’s business', async () => {
    await take('here', 'a', '1997-01-02', '1997-01-03');
    assert.equal((await take('there', 'b', '1997-01-02', '1997-01-03')).granted, true);
    assert.equal((await take('here', 'b', '1997-01-03', '1997-01-04')).granted, true);
    assert.equal((await take('here', 'c', '1997-01-01', '1997-01-02')).granted, true);
  });

  test('of many that ask at once for overlapping ranges, exactly one gets them', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `racer-${index}`);
    const taken = await Promise.all(
      names.map((name, index) => take('race', name, `1997-01-0${1 + (index % 3)}`, '1997-01-06')),
    );
    assert.equal(taken.filter(({ granted }) => granted).length, 1);
  });

  test('when nobody can say whether the owner is closed, nothing is taken', async () => {
    await take('unsure', 'a', '1997-01-02', '1997-01-03');
    const asking = takeClaims(database.pool, {
      ...{ pipeline: 'unsure', from: '1997-01-02', to: '1997-01-03', owner: owner('b') },
      isOwnerClosed: () => Promise.reject(new Error('Temporal does not answer')),
    });
    await assert.rejects(asking, /does not answer/);
    assert.deepEqual(await rows('unsure'), ['1997-01-02 a 1 t']);
  });
});
