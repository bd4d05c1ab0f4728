/** The clone's ports: fixed offsets, below the ephemeral range, moved when taken. */
import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  firstTaken,
  GRPC_DISTANCE,
  HIGHEST_BASE,
  opened,
  portsFrom,
  PORT_OFFSETS,
  recordBase,
  recordedBase,
  reserveBase,
  wantedBase,
  type PortName,
} from '../../../infra/local/ports.js';
import { folder } from './folder.js';

const NAMES = Object.keys(PORT_OFFSETS) as PortName[];

test('every port of the highest base stays below 32768, second ports included', () => {
  const all = opened(portsFrom(HIGHEST_BASE), NAMES);
  assert.ok(Math.max(...all) < 32_768);
  assert.equal(new Set(all).size, all.length);
  assert.ok(Math.max(...Object.values(PORT_OFFSETS)) < 100);
});

test('the S3 server opens a second port beside each of its own', () => {
  const ports = portsFrom(17_200);
  assert.deepEqual(opened(ports, ['postgres', 's3']), [17_210, 17_270, 17_270 + GRPC_DISTANCE]);
});

test('SLUICE_PORT_BASE is read, and refused by name when it cannot be right', () => {
  assert.equal(wantedBase({}), 17_200);
  assert.equal(wantedBase({ SLUICE_PORT_BASE: '18300' }), 18_300);
  for (const bad of ['abc', '80', '30000', '17200.5']) {
    assert.throws(() => wantedBase({ SLUICE_PORT_BASE: bad }), { code: 'CONFIG_INVALID', message: /SLUICE_PORT_BASE/ });
  }
});

test('a base with a taken port is passed over, and one being started on by a living process too', async (t) => {
  const dir = await folder(t);
  const env = { XDG_CACHE_HOME: join(dir, 'cache'), SLUICE_PORT_BASE: '19500' };
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(portsFrom(19_500).kafka, '127.0.0.1', resolve));
  t.after(() => server.close());
  const first = await reserveBase(dir, env, ['kafka']);
  assert.equal(first.base, 19_600);
  const second = await reserveBase(dir, env, ['kafka']);
  assert.equal(second.base, 19_700);
  await first.release();
  const third = await reserveBase(dir, env, ['kafka']);
  assert.equal(third.base, 19_600);
  await second.release();
  await third.release();
});

test('the recorded base is tried first, unless the environment names one', async (t) => {
  const dir = await folder(t);
  const cache = { XDG_CACHE_HOME: join(dir, 'cache') };
  assert.equal(await recordedBase(dir), undefined);
  await recordBase(dir, 20_100);
  assert.equal(await recordedBase(dir), 20_100);
  const again = await reserveBase(dir, cache, ['kafka']);
  assert.equal(again.base, 20_100);
  await again.release();
  const named = await reserveBase(dir, { ...cache, SLUICE_PORT_BASE: '20200' }, ['kafka']);
  assert.equal(named.base, 20_200);
  await named.release();
});

test('a port somebody listens on is found', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  assert.equal(await firstTaken([port]), port);
});
