/** The registry finds engines by name and cluster, and the jar catalog knows jars by content. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createJarCatalog } from '../../../engines/artifacts.js';
import { createEngines } from '../../../engines/registry.js';
import { isSluiceError } from '../../../infra/errors.js';
import { jarBytes } from '../../support/jars.js';
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

  const refusals: [string, () => Buffer, RegExp][] = [
    ['empty', () => Buffer.alloc(0), /the file is empty/],
    ['an error page', () => Buffer.from('<html>404 Not Found</html>'), /not a jar/],
    ['cut off', () => jarBytes(['a.Main']).subarray(0, -30), /not a jar/],
    ['without its beginning', () => jarBytes(['a.Main']).subarray(40), /not a jar/],
    ['of other classes', () => jarBytes(['a.Other', 'b.a.Main']), /does not hold this class/],
  ];
  for (const [what, content, why] of refusals) {
    it(`refuses for good a jar that is ${what}, and names jar and class`, async () => {
      await writeFile(paths().flink, content());
      await assert.rejects(createJarCatalog(paths()).jarFor('flink', 'a.Main'), (error) => {
        assert.ok(isSluiceError(error, 'ENGINE_REJECTED') && !error.retryable, String(error));
        assert.match(error.message, why);
        assert.ok(error.message.includes(paths().flink) && error.message.includes('a.Main'), error.message);
        return true;
      });
      await rm(paths().flink);
    });
  }

  it('takes a jar that holds the class, also behind a comment and after it was mended', async () => {
    const jars = createJarCatalog(paths());
    await writeFile(paths().flink, jarBytes(['a.Other']));
    await assert.rejects(jars.jarFor('flink', 'a.Main'));
    await writeFile(paths().flink, jarBytes(['a.Other', 'a.Main'], 'made by hand'));
    assert.equal((await jars.jarFor('flink', 'a.Main')).path, paths().flink);
    await rm(paths().flink);
  });

  it('reads an archive whose sizes stand in the long end record, as those of very many files do', async () => {
    await writeFile(paths().flink, withLongEnd(jarBytes(['a.Other', 'a.Main'])));
    assert.ok(await createJarCatalog(paths()).jarFor('flink', 'a.Main'));
    await rm(paths().flink);
  });

  it('says what to do when the jobs are not built', async () => {
    await assert.rejects(
      createJarCatalog(paths()).jarOf('flink'),
      (error) => isSluiceError(error, 'CONFIG_INVALID') && error.message.includes('run the Maven build'),
    );
  });
});

/** Moves the sizes of an archive's directory from its end record to the long one in front of it. */
function withLongEnd(jar: Buffer): Buffer {
  const end = Buffer.from(jar.subarray(-22));
  const files = jar.subarray(0, -22);
  const long = Buffer.alloc(56);
  long.writeUInt32LE(0x06064b50, 0);
  long.writeBigUInt64LE(44n, 4);
  long.writeBigUInt64LE(BigInt(end.readUInt32LE(12)), 40);
  long.writeBigUInt64LE(BigInt(end.readUInt32LE(16)), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(files.length), 8);
  end.fill(0xff, 8, 20);
  return Buffer.concat([files, long, locator, end]);
}
