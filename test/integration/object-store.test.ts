/** The object store on a real S3 server: conditional writes, listings over pages, whole files, clear errors. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isSluiceError } from '../../infra/errors.js';
import { createS3 } from '../../infra/s3/client.js';
import { createObjectStore, type ObjectStore } from '../../infra/s3/object-store.js';
import { parseObjectUrl } from '../../infra/s3/url.js';
import { NO_SERVERS, testStore } from '../support/source-load.js';

describe('object store', { skip: NO_SERVERS }, () => {
  let store: ObjectStore;
  let close: () => void;
  let folder: string;
  const prefix = `s3://lake/test-objects-${Date.now().toString(36)}`;

  before(async () => {
    ({ store, close } = await testStore('lake'));
    folder = await mkdtemp(join(tmpdir(), 'sluice-test-objects-'));
  });
  after(async () => {
    await store.removeAll(`${prefix}/`);
    await rm(folder, { recursive: true, force: true });
    close();
  });

  it('reads back text, JSON and files, by both spellings of an address', async () => {
    const url = `${prefix}/a/Köln + ü?.json`;
    assert.equal(await store.exists(url), false);
    assert.equal(await store.getText(url), undefined);
    assert.equal(await store.getJson(url), undefined);
    assert.equal(await store.putText(url, '{"city":"München"}'), true);
    assert.deepEqual(await store.getJson(url.replace('s3:', 's3a:')), { city: 'München' });
    await store.putText(url, 'no json');
    await assert.rejects(store.getJson(url), (error: unknown) => isSluiceError(error, 'STORE_REJECTED'));
  });

  it('of many conditional writes exactly one wins', async () => {
    const url = `${prefix}/claim`;
    const wins = await Promise.all(
      Array.from({ length: 8 }, (_, index) => store.putText(url, `writer ${index}`, { ifNoneMatch: '*' })),
    );
    assert.equal(wins.filter(Boolean).length, 1);
    assert.equal(await store.getText(url), `writer ${wins.indexOf(true)}`);
  });

  it('large files go up in parts and come down whole', async () => {
    const path = join(folder, 'large');
    const bytes = Buffer.alloc(34 * 1024 * 1024, 'sluice ');
    await writeFile(path, bytes);
    await store.putFile(`${prefix}/large`, path);
    await store.download(`${prefix}/large`, join(folder, 'copy'));
    const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
    assert.equal(sha256(await readFile(join(folder, 'copy'))), sha256(bytes));
    await assert.rejects(store.download(`${prefix}/missing`, join(folder, 'none')));
    assert.deepEqual((await readdir(folder)).sort(), ['copy', 'large']);
  });

  it('lists beyond one page and removes all', async () => {
    const count = 1_050;
    const names = Array.from({ length: count }, (_, index) => `${prefix}/many/${String(index).padStart(5, '0')}`);
    for (let at = 0; at < count; at += 50)
      await Promise.all(names.slice(at, at + 50).map((url) => store.putText(url, 'x')));
    const listed = await store.list(`${prefix}/many/`);
    assert.deepEqual(
      listed.map(({ url }) => url),
      names,
    );
    assert.equal(listed[0]?.bytes, 1);
    assert.equal(await store.removeAll(`${prefix}/many/`), count);
    assert.deepEqual(await store.list(`${prefix}/many/`), []);
  });

  it('says whether a retry helps, and no secret', async () => {
    const unreachable = createObjectStore(
      createS3({ endpoint: 'http://127.0.0.1:9', accessKeyId: 'k', secretAccessKey: 'very-secret', maxAttempts: 1 }),
    );
    await assert.rejects(unreachable.getText('s3://lake/x'), (error: unknown) => {
      assert.ok(isSluiceError(error, 'STORE_UNREACHABLE') && error.retryable);
      assert.ok(!error.message.includes('very-secret'));
      return true;
    });
    const refused = createObjectStore(
      createS3({ endpoint: process.env['S3_ENDPOINT'], accessKeyId: 'nobody', secretAccessKey: 'wrong' }),
    );
    await assert.rejects(refused.getText('s3://lake/x'), (error: unknown) => isSluiceError(error, 'STORE_REJECTED'));
    assert.throws(() => parseObjectUrl('http://lake/x'), /not an object address/);
    assert.deepEqual(parseObjectUrl('s3a://lake'), { bucket: 'lake', key: '' });
  });
});
