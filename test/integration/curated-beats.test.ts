/** Long steps of curated tables say that they live, also while one statement or one object takes its time. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it, mock } from 'node:test';
import { createTestDatabase, NO_DATABASE, type TestDatabase } from '../support/curated-database.js';
import { activitiesFor, claim, day, newKey, runFor, SALES, stage } from '../support/curated-run.js';
import { MemoryObjects, writeSubmission } from '../support/submission.js';
import { until } from '../support/workflow-until.js';

describe('heartbeats of curated steps', { skip: NO_DATABASE }, () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  afterEach(() => mock.timers.reset());
  after(() => database.close({ keep: false }));

  it('beats while an object of a load does not come', async () => {
    const run = runFor('2026-05-01', '2026-05-02');
    const objects = new MemoryObjects();
    const submissionKey = newKey();
    const manifest = await writeSubmission(objects, submissionKey, SALES.output, [day('2026-05-01', 2)]);
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    let asked = false;
    const real = objects.getJson.bind(objects);
    objects.getJson = async (url) => {
      asked = true;
      await held;
      return real(url);
    };
    const beats: string[] = [];
    mock.timers.enable({ apis: ['setInterval'] });
    const activities = activitiesFor(database.pool, objects, (details) => beats.push(details));
    const loading = activities.loadStaging({ run, table: SALES, manifest, submissionKey });
    await until('the load waits', () => asked);
    mock.timers.tick(10_000);
    assert.deepEqual(beats, ['loading city_sales', 'loading city_sales']);
    letGo();
    await loading;
    const { length } = beats;
    mock.timers.tick(10_000);
    assert.equal(beats.length, length, 'the end of the step ends its beat');
  });

  it('beats while another session keeps the table', async () => {
    const run = runFor('2026-05-03', '2026-05-04');
    await claim(database.pool, run, 1);
    const input = await stage(database.pool, run, [day('2026-05-03', 2)]);
    const beats: string[] = [];
    const other = await database.pool.connect();
    try {
      await other.query('begin');
      await other.query('lock table curated.city_sales in access exclusive mode');
      mock.timers.enable({ apis: ['setInterval'] });
      const activities = activitiesFor(database.pool, new MemoryObjects(), (details) => beats.push(details));
      const publishing = activities.publishTable(input);
      await until('the publish waits', async () => {
        const { rowCount } = await database.pool.query(
          `select from pg_locks where not granted and relation = 'curated.city_sales'::regclass`,
        );
        return rowCount === 1;
      });
      mock.timers.tick(10_000);
      assert.deepEqual(beats, ['publishing city_sales', 'publishing city_sales']);
      await other.query('rollback');
      assert.equal((await publishing).published, 1);
    } finally {
      other.release();
    }
  });
});
