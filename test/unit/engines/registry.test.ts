/** The registry finds engines by name and cluster, and the jar catalog knows jars by content. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createJarCatalog } from '../../../engines/artifacts.js';
import { createEngines } from '../../../engines/registry.js';
import { isSluiceError } from '../../../infra/errors.js';
import { createMemoryObjects } from '../../support/memory-objects.js';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-registry-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const paths = () => ({
  flink: join(folder, 'f.jar'),
  spark: join(folder, 's.jar'),
  'kafka-streams': join(folder, 'k.jar'),
});

describe('registry', () => {
  it('gives the port of a configured cluster and names the known ones otherwise', () => {
    const url = 'http://127.0.0.1:1';
    const engines = createEngines(
      {
        jars: paths(),
        clusters: {
          flink: [
            { cluster: 'one', restUrl: url },
            { cluster: 'two', restUrl: url },
          ],
          spark: [{ cluster: 'spark', restUrl: url, uiUrl: url, bucket: 'lake' }],
          'kafka-streams': [{ cluster: 'local', stateRoot: folder, env: {} }],
        },
      },
      { objects: createMemoryObjects() },
    );
    assert.equal(engines('flink', 'two').cluster, 'two');
    assert.equal(engines('spark', 'spark').name, 'spark');
    assert.equal(engines('kafka-streams', 'local').capabilities.batch, false);
    assert.throws(
      () => engines('flink', 'three'),
      (error) => isSluiceError(error, 'CONFIG_INVALID') && error.message.includes('flink/one, flink/two'),
    );
  });
});

describe('jar catalog', () => {
  it('hashes a jar by content, again when it changed', async () => {
    const jars = createJarCatalog(paths());
    await writeFile(paths().spark, 'one');
    const first = await jars.jarOf('spark');
    assert.equal(first.fileName, 's.jar');
    assert.match(first.sha256, /^[0-9a-f]{64}$/);
    assert.equal((await jars.jarOf('spark')).sha256, first.sha256);
    await writeFile(paths().spark, 'two');
    await utimes(paths().spark, 1, 1);
    assert.notEqual((await jars.jarOf('spark')).sha256, first.sha256);
  });

  it('says what to do when the jobs are not built', async () => {
    await assert.rejects(
      createJarCatalog(paths()).jarOf('flink'),
      (error) => isSluiceError(error, 'CONFIG_INVALID') && error.message.includes('run the Maven build'),
    );
  });
});
