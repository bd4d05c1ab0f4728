/** A client that stops in the middle of a transaction: its locks are given back, and what it does next may be tried again. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createPool, inTransaction, isRetryablePg, type Pool } from '../../infra/postgres/pool.js';
import { createTestDatabase, NO_DATABASE, type TestDatabase } from '../support/curated-database.js';

describe('a transaction whose client is paused', { skip: NO_DATABASE }, () => {
  let database: TestDatabase;
  let paused: Pool;
  before(async () => {
    database = await createTestDatabase();
    await database.pool.query('create table public.locked (id int primary key); insert into public.locked values (1)');
    paused = createPool({
      connectionString: database.url,
      applicationName: 'sluice-paused',
      max: 1,
      idleInTransactionMs: 300,
    });
  });
  after(async () => {
    await paused?.end();
    await database?.close({ keep: false });
  });

  test('loses its locks to whoever waits for them, and fails in a way that is tried again', async () => {
    const failure = inTransaction(paused, async (client) => {
      await client.query('select 1 from public.locked where id = 1 for update');
      // The heir gets the row only once the server has ended the session that holds it.
      const heir = await database.pool.query(`select id from public.locked where id = 1 for update`);
      assert.equal(heir.rowCount, 1);
      await client.query('update public.locked set id = 2');
    });
    await assert.rejects(failure, (error) => isRetryablePg(error));
    const { rows } = await database.pool.query('select id from public.locked');
    assert.deepEqual(rows, [{ id: 1 }]);
    assert.equal((await paused.query('select 1')).rowCount, 1, 'the pool goes on with a new connection');
  });

  test('every pool has such a limit', async () => {
    const pool = createPool({ connectionString: database.url, applicationName: 'sluice-default', max: 1 });
    try {
      const { rows } = await pool.query<{ setting: string }>(
        `select setting from pg_settings where name = 'idle_in_transaction_session_timeout'`,
      );
      assert.equal(rows[0]?.setting, '60000');
    } finally {
      await pool.end();
    }
  });
});
