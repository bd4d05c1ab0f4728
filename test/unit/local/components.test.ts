/** What the components declare: pins, ports, and no secret where one could be seen. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { foodmart } from '../../../infra/local/components/foodmart.js';
import { COMPONENTS } from '../../../infra/local/components/index.js';
import { mergeSettings, ownSettings } from '../../../infra/local/env.js';
import { pinnedFiles } from '../../../infra/local/fetch/artifact.js';
import { MEMORY } from '../../../infra/local/memory.js';
import { portsFrom } from '../../../infra/local/ports.js';
import type { Secrets } from '../../../infra/local/secrets.js';
import type { Platform, StackContext } from '../../../infra/local/types.js';
import { folder } from './folder.js';

const PLATFORMS: Platform[] = ['linux-x64', 'linux-arm64', 'darwin-arm64'];
const SECRETS: Secrets = {
  postgresPassword: 'pg-secret',
  s3AccessKeyId: 'lake-key',
  s3SecretAccessKey: 'lake-secret',
  kafkaClusterId: 'AAAAAAAAAAAAAAAAAAAAAA',
  given: {},
};

test('every file is pinned on every platform', () => {
  for (const artifact of [...COMPONENTS, foodmart]) {
    for (const platform of PLATFORMS) {
      for (const source of artifact.sources) {
        const files = pinnedFiles(source, platform);
        assert.ok(files.length > 0, artifact.name);
        for (const { sha256, bytes, file } of files) {
          assert.match(sha256, /^[0-9a-f]{64}$/, file);
          assert.ok(bytes > 0, file);
        }
      }
    }
  }
});

test('every process has its own ports, and no argument or generated file but the private one holds a secret', async (t) => {
  const root = await folder(t);
  const ports = portsFrom(17_200);
  const env = mergeSettings(ownSettings(root, ports, SECRETS), {});
  const seen: number[] = [];
  for (const component of COMPONENTS) {
    const home = join(root, component.name);
    const data = join(root, 'data', component.name);
    const progress = (): void => undefined;
    const context: StackContext = { root, home, data, ports, secrets: SECRETS, env, javaHome: '/jdk', progress };
    // These two start a program while they prepare; their files are made by that program.
    if (!['kafka', 'postgres'].includes(component.name)) await component.prepare(context);
    if (component.name === 'flink') continue;
    for (const { args, ports: opened } of await component.processes(context)) {
      for (const secret of ['pg-secret', 'lake-key', 'lake-secret']) assert.ok(!args.join(' ').includes(secret));
      seen.push(...(opened ?? []));
    }
  }
  assert.equal(new Set(seen).size, seen.length);
  for (const name of await readdir(join(root, 'data'), { recursive: true })) {
    if (name.endsWith('s3.json')) continue;
    const text = await readFile(join(root, 'data', name), 'utf8').catch(() => '');
    assert.doesNotMatch(text, /pg-secret|lake-key|lake-secret/, name);
  }
});

test('drivers and executors inherit the keys of the lake from the worker', async (t) => {
  const root = await folder(t);
  const ports = portsFrom(17_200);
  const spark = COMPONENTS.find(({ name }) => name === 'spark');
  const env = ownSettings(root, ports, SECRETS);
  const place = { root, home: join(root, 'spark'), data: join(root, 'data'), ports, secrets: SECRETS, env };
  const specs = await spark?.processes({ ...place, javaHome: '/jdk', progress: () => undefined });
  const worker = specs?.find(({ name }) => name === 'spark-worker');
  assert.equal(worker?.env.AWS_ACCESS_KEY_ID, 'lake-key');
  assert.equal(worker?.env.AWS_SECRET_ACCESS_KEY, 'lake-secret');
  const master = specs?.find(({ name }) => name === 'spark-master');
  assert.equal(master?.env.AWS_SECRET_ACCESS_KEY, undefined);
});

test('the heaps of all servers leave room for jobs in 6 GiB', () => {
  const tm = MEMORY.flinkTaskManager;
  const heaps = Object.values(MEMORY.heapMb).reduce((sum, mb) => sum + mb, 0);
  const taskManager = tm.frameworkHeapMb + tm.taskHeapMb + tm.managedMb + tm.networkMb + tm.frameworkOffHeapMb;
  const others = MEMORY.goLimitMb.s3 + MEMORY.goLimitMb.temporal + MEMORY.postgresSharedBuffersMb;
  assert.ok(heaps + taskManager + others < 3_584);
});
