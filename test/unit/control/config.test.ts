/** Settings: all problems at once, by name, and never a value. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIG_NAMES, loadConfig } from '../../../infra/config.js';
import type { SluiceError } from '../../../infra/errors.js';

const RIGHT = {
  DATABASE_URL: 'postgres://user:hunter2@127.0.0.1:5432/sluice',
  TEMPORAL_ADDRESS: '127.0.0.1:7233',
  KAFKA_BROKERS: '127.0.0.1:9092,127.0.0.1:9093',
  FLINK_REST_URL: 'http://127.0.0.1:8081',
  SPARK_MASTER_REST_URL: 'http://127.0.0.1:6066',
  SPARK_MASTER_UI_URL: 'http://127.0.0.1:8080',
  S3_ACCESS_KEY_ID: 'id',
  S3_SECRET_ACCESS_KEY: 'secret-of-the-store',
};

const problems = (env: Record<string, string | undefined>): { lines: string[]; text: string } => {
  try {
    loadConfig(env);
  } catch (error) {
    const { code, message } = error as SluiceError;
    assert.equal(code, 'CONFIG_INVALID');
    return { text: message, lines: message.split('\n').filter((line) => line.startsWith('  ')) };
  }
  assert.fail('the settings were taken');
};

test('the needed settings are enough; the rest has defaults; the result is frozen', () => {
  const config = loadConfig({ ...RIGHT, PATH: '/bin', UNRELATED: 'x' });
  assert.deepEqual(
    [
      config.TEMPORAL_NAMESPACE,
      config.S3_BUCKET,
      config.S3_REGION,
      config.SLUICE_HOST_NAME,
      config.SLUICE_WATCH_INTERVAL_MS,
    ],
    ['default', 'lake', 'us-east-1', 'local', 1_000],
  );
  assert.ok(Object.isFrozen(config));
  assert.equal('PATH' in config, false);
});

test('nothing set names every needed setting', () => {
  const { lines, text } = problems({});
  assert.deepEqual(
    lines,
    Object.keys(RIGHT)
      .map((name) => `  ${name}: is not set`)
      .sort((a, b) => order(a) - order(b)),
  );
  assert.match(text, /npx sluice up/);
});

test('all problems are told together, by name and never by value', () => {
  const wrong = {
    ...RIGHT,
    DATABASE_URL: 'mysql://user:hunter2@127.0.0.1/x',
    TEMPORAL_ADDRESS: 'http://127.0.0.1:7233/secret',
    KAFKA_BROKERS: 'no-port-hunter2',
    FLINK_REST_URL: 'hunter2',
    SLUICE_LOG_LEVEL: 'loud-hunter2',
    SLUICE_WATCH_INTERVAL_MS: '7',
    SLUICE_HOST_NAME: 'Host_hunter2',
    S3_SECRET_ACCESS_KEY: '',
  };
  const { lines, text } = problems(wrong);
  const named = lines.map((line) => line.trim().split(':')[0]);
  assert.deepEqual(named.sort(), [
    ...['DATABASE_URL', 'FLINK_REST_URL', 'KAFKA_BROKERS', 'S3_SECRET_ACCESS_KEY', 'SLUICE_HOST_NAME'],
    ...['SLUICE_LOG_LEVEL', 'SLUICE_WATCH_INTERVAL_MS', 'TEMPORAL_ADDRESS'],
  ]);
  assert.doesNotMatch(text, /hunter2|secret/);
  assert.match(text, /S3_SECRET_ACCESS_KEY: is not set/, 'empty counts as not set');
});

test('an empty optional setting is as good as none', () => {
  assert.equal(loadConfig({ ...RIGHT, S3_BUCKET: '', TEMPORAL_UI_URL: '' }).S3_BUCKET, 'lake');
});

function order(line: string): number {
  return CONFIG_NAMES.findIndex((name) => line.trim().startsWith(`${name}:`));
}
