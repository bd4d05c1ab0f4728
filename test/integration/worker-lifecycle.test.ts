/** Workers of one process on a real Temporal: when they say that they poll, and an end that is asked for before they do. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import type { ActivityDeps } from '../../activities/deps.js';
import type { Config } from '../../infra/config.js';
import { createWorkers, type Workers } from '../../workers/worker.js';
import { within } from '../support/workflow-until.js';

const TEMPORAL = process.env['TEMPORAL_ADDRESS'];

/** Two workers on queues that nobody else serves; no activity of theirs is ever called. */
function createTwo(): Promise<Workers> {
  const config = {
    TEMPORAL_ADDRESS: TEMPORAL,
    TEMPORAL_NAMESPACE: 'default',
    SLUICE_HOST_NAME: `test-${randomUUID()}`,
    SLUICE_FLINK_CLUSTER: `test-${randomUUID()}`,
  } as Config;
  return createWorkers(config, ['host', 'flink'], { settings: {} } as ActivityDeps, '');
}

describe('workers', { skip: TEMPORAL === undefined ? 'TEMPORAL_ADDRESS is not set' : false }, () => {
  test('say once that they poll, and end when asked to', async () => {
    const workers = await createTwo();
    let said = 0;
    let end: Promise<void> | undefined;
    const polling = new Promise<void>((resolve) => {
      end = workers.run(() => {
        said += 1;
        resolve();
      });
    });
    await within('that they poll', polling);
    workers.shutdown();
    workers.shutdown();
    await within('the end', end ?? assert.fail());
    assert.equal(said, 1);
  });

  test('whose end was asked for before they ran never say so, and end', async () => {
    const workers = await createTwo();
    workers.shutdown();
    await within(
      'the end',
      workers.run(() => assert.fail('they do not poll any more')),
    );
  });
});
