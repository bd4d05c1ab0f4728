/** Settings: the clone's own servers, given ones passed through, and secrets made once. */
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import { givenSettings, mergeSettings, ownSettings } from '../../../infra/local/env.js';
import { layout } from '../../../infra/local/layout.js';
import { portsFrom, recordBase } from '../../../infra/local/ports.js';
import { ensureSecrets } from '../../../infra/local/secrets.js';
import { stackEnv } from '../../../infra/local/stack.js';
import { folder } from './folder.js';

test('a given server keeps its own settings; nothing of the local one is mixed in', async (t) => {
  const root = await folder(t);
  const own = ownSettings(root, portsFrom(17_200), await ensureSecrets(root, {}));
  const given = givenSettings({
    S3_ENDPOINT: 'https://lake.example',
    S3_ACCESS_KEY_ID: 'theirs',
    KAFKA_BROKERS: '',
    SPARK_MASTER_REST_URL: 'http://spark.example:6066',
  });
  const merged = mergeSettings(own, given);
  assert.equal(merged.S3_ENDPOINT, 'https://lake.example');
  assert.equal(merged.S3_ACCESS_KEY_ID, 'theirs');
  assert.equal(merged.S3_SECRET_ACCESS_KEY, undefined);
  assert.equal(merged.S3_REGION, 'us-east-1');
  assert.equal(merged.SPARK_MASTER_UI_URL, undefined);
  assert.equal(merged.KAFKA_BROKERS, '127.0.0.1:17220');
});

test('an environment filled from our own settings gives no server', async (t) => {
  const root = await folder(t);
  const own = ownSettings(root, portsFrom(17_200), await ensureSecrets(root, {}));
  assert.deepEqual(givenSettings(own, own), {});
});

test('secrets are made once, differ between clones, and only their owner can read them', async (t) => {
  const [one, two] = [await folder(t), await folder(t)];
  const first = await ensureSecrets(one, {});
  assert.equal((await stat(layout(one).secrets)).mode & 0o777, 0o600);
  assert.deepEqual(await ensureSecrets(one, {}), first);
  assert.notEqual((await ensureSecrets(two, {})).postgresPassword, first.postgresPassword);
});

test('a later process finds the settings, given ones included, and nothing before a start', async (t) => {
  const root = await folder(t);
  assert.equal(await stackEnv(root, {}), undefined);
  await recordBase(root, 17_500);
  await ensureSecrets(root, { FLINK_REST_URL: 'http://flink.example' });
  const env = await stackEnv(root, {});
  assert.equal(env?.FLINK_REST_URL, 'http://flink.example');
  assert.equal(env?.TEMPORAL_ADDRESS, '127.0.0.1:17500');
  assert.match(env?.DATABASE_URL ?? '', /^postgres:\/\/sluice:[0-9a-f]{48}@127\.0\.0\.1:17510\/sluice$/);
});
