/** Fetching a source's artifact: once, by checksum, never a file that is not the one that was asked for. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fetchArtifact } from '../../../../activities/source/maven-artifact.js';
import { openZipEntry } from '../../../../activities/source/zip-entry.js';
import { isSluiceError } from '../../../../infra/errors.js';

const CONTENT = 'the artifact';
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');

describe('artifact', () => {
  let root: string;
  let cacheDir: string;
  const path = process.env['PATH'];

  /** Puts a program called mvn on the path that writes `content` and counts its calls. */
  async function fakeMaven(content: string): Promise<void> {
    const bin = await mkdtemp(join(root, 'bin-'));
    const script = `#!/bin/sh
echo call >> "${root}/calls"
for a in "$@"; do case "$a" in -DoutputDirectory=*) printf '%s' '${content}' > "\${a#*=}/x.jar";; esac; done
`;
    await writeFile(join(bin, 'mvn'), script);
    await chmod(join(bin, 'mvn'), 0o755);
    process.env['PATH'] = `${bin}:/usr/bin:/bin`;
  }
  const calls = async (): Promise<number> =>
    (await readFile(join(root, 'calls'), 'utf8').catch(() => '')).split('\n').length - 1;
  const fetch = (sha256 = SHA256): Promise<string> => fetchArtifact({ artifact: 'a:b:1', sha256, cacheDir });

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'sluice-test-artifact-'));
    cacheDir = join(root, 'cache');
  });
  after(async () => {
    process.env['PATH'] = path;
    await rm(root, { recursive: true, force: true });
  });

  it('is fetched once, also by two at the same time, and again when the cached file is damaged', async () => {
    await fakeMaven(CONTENT);
    const [first, second] = await Promise.all([fetch(), fetch()]);
    assert.equal(first, second);
    const fetched = await calls();
    assert.equal(await readFile(await fetch(), 'utf8'), CONTENT);
    assert.equal(await calls(), fetched);
    await writeFile(first, 'damaged');
    assert.equal(await readFile(await fetch(), 'utf8'), CONTENT);
    assert.equal(await calls(), fetched + 1);
  });

  it('of another content is not used and not kept', async () => {
    await fakeMaven('something else');
    await assert.rejects(fetch('0'.repeat(64)), (error: unknown) => {
      assert.ok(isSluiceError(error, 'STORE_REJECTED'));
      assert.match(error.message, /a:b:1 has sha256 [0-9a-f]{64}, expected 0{64}: not used/);
      return true;
    });
    assert.deepEqual(await readdir(join(cacheDir, 'sources')), [`${SHA256}.jar`]);
  });

  it('without Maven gives one clear line, and nothing when it is cached', async () => {
    process.env['PATH'] = root;
    assert.equal(await readFile(await fetch(), 'utf8'), CONTENT);
    await assert.rejects(fetch('1'.repeat(64)), /cannot run mvn: .*install Maven 3\.8 or newer/);
  });

  it('that is no archive is refused', async () => {
    const file = join(root, 'no.jar');
    await writeFile(file, 'not a zip archive, but long enough to look for the end record');
    await assert.rejects(openZipEntry(file, 'x'), /no\.jar: not a zip archive/);
  });
});
