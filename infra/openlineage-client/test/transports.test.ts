/** File, console and composite transports. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  CompositeTransport,
  ConsoleTransport,
  FileTransport,
  OpenLineageClient,
  TransportError,
  createTransport,
  type Transport,
} from '../src/index.js';
import { sampleRunEvent } from './samples.js';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openlineage-client-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function linesOf(path: string): Promise<unknown[]> {
  const text = await readFile(path, 'utf8');
  assert.ok(text.endsWith('\n'));
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

describe('FileTransport', () => {
  it('makes its folder and appends one line per event, in order, across instances', async () => {
    const path = join(folder, 'deep', 'events.jsonl');
    const first = createTransport({ type: 'file', path });
    await Promise.all(Array.from({ length: 200 }, (_, i) => first.emit(sampleRunEvent(`job-${i}`))));
    await first.flush();
    await first.close();
    const second = new FileTransport({ path });
    await second.emit(sampleRunEvent('job-200'));
    await second.close();
    const names = (await linesOf(path)).map((event) => (event as { job: { name: string } }).job.name);
    assert.deepEqual(
      names,
      Array.from({ length: 201 }, (_, i) => `job-${i}`),
    );
    await assert.rejects(second.emit(sampleRunEvent()), /closed/);
  });

  it('starts a new line after half a line left by a crash', async () => {
    const path = join(folder, 'torn.jsonl');
    await writeFile(path, '{"half":');
    const transport = new FileTransport({ path });
    await transport.emit(sampleRunEvent('whole'));
    await transport.close();
    const lines = (await readFile(path, 'utf8')).split('\n');
    assert.equal(lines[0], '{"half":');
    assert.equal((JSON.parse(lines[1] ?? '') as { job: { name: string } }).job.name, 'whole');
  });

  it('fails with a retryable error and works again once the path does', async () => {
    const blocker = join(folder, 'blocker');
    await writeFile(blocker, '');
    const transport = new FileTransport({ path: join(blocker, 'events.jsonl') });
    await assert.rejects(transport.emit(sampleRunEvent()), (error: TransportError) => error.retryable);
    await rm(blocker);
    await transport.emit(sampleRunEvent('later'));
    await transport.close();
    assert.equal((await linesOf(join(blocker, 'events.jsonl'))).length, 1);
  });
});

describe('CompositeTransport', () => {
  const failing = (error: Error): Transport => ({
    emit: () => Promise.reject(error),
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(),
  });

  it('delivers to the others when one fails, and reports the failure', async () => {
    const lines: string[] = [];
    const works = new ConsoleTransport({ write: (line) => lines.push(line) });
    const refused = new TransportError('refused', { retryable: false, status: 400 });
    const away = new TransportError('away', { retryable: true, retryAfterMs: 7 });
    const client = new OpenLineageClient({
      transport: new CompositeTransport([failing(refused), works, failing(away)]),
    });
    await assert.rejects(client.emit(sampleRunEvent()), (error: TransportError) => {
      assert.equal(error.message, 'refused; away');
      assert.equal(error.retryable, true);
      assert.equal(error.retryAfterMs, 7);
      return true;
    });
    assert.equal(lines.length, 1);
    const only = new CompositeTransport([works, failing(refused)]);
    await assert.rejects(only.emit(sampleRunEvent()), (error: TransportError) => !error.retryable);
  });

  it('needs at least one transport', () => {
    assert.throws(() => new CompositeTransport([]), TypeError);
  });
});

it('a validating client refuses a wrong event before its transport sees it', async () => {
  const lines: string[] = [];
  const transport = new ConsoleTransport({ write: (line) => lines.push(line) });
  const client = new OpenLineageClient({ transport, validate: true });
  await assert.rejects(client.emit({ ...sampleRunEvent(), eventTime: 'now' }), /eventTime/);
  assert.equal(lines.length, 0);
  await client.emit(sampleRunEvent());
  assert.equal(lines.length, 1);
});
