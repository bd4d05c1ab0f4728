/** What every engine adapter must do, as one suite; it runs on the fakes always and on the real servers when they are there. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { isTerminal } from '../../engines/job-state.js';
import type { JobState } from '../../engines/job-state.js';
import type { EnginePort, JobHandle, JobSpec, Observation } from '../../engines/port.js';
import { waitFor } from '../../engines/waiting.js';
import { isSluiceError } from '../../infra/errors.js';

export interface EngineContractSubject {
  name: string;
  start?(): Promise<void>;
  stop?(): Promise<void>;
  /** A new adapter on the same cluster, as another worker would have it. */
  engine(): EnginePort;
  /** A job that runs until it is cancelled. */
  longJob(key: string): JobSpec;
  /** A job that fails by its own fault. */
  failingJob(key: string): JobSpec;
  /** A job that ends well by itself; only for engines with batch jobs. */
  shortJob?(key: string): JobSpec;
  /** How many jobs of this key the engine has ever taken, as seen by asking the engine itself. */
  jobsOf(key: string): Promise<number>;
  /** An adapter on the same cluster whose first answer to a submission is lost after the engine took it. */
  engineLosingItsAnswer?(): Promise<{ engine: EnginePort; close(): Promise<void> }>;
  /** An adapter on a cluster that does not answer. */
  engineAway(): Promise<EnginePort>;
  /** Limit for one job to reach a state. */
  limitMs: number;
}

const newKey = (): string => randomBytes(16).toString('hex');

export function engineContract(subject: EngineContractSubject): void {
  const { limitMs } = subject;
  const started: JobHandle[] = [];

  async function submit(engine: EnginePort, spec: JobSpec, key: string): Promise<Observation> {
    started.push({ key, spec });
    return engine.submit(spec, key);
  }

  /** Repeats what a retry policy would: retryable errors are tried again within the limit. */
  async function submitWithRetries(engine: EnginePort, spec: JobSpec, key: string): Promise<Observation> {
    const seen = await waitFor(
      async () => {
        try {
          return await submit(engine, spec, key);
        } catch (error) {
          if (isSluiceError(error) && error.retryable) return undefined;
          throw error;
        }
      },
      { deadlineMs: limitMs, intervalMs: 200 },
    );
    assert.ok(seen, 'the submission has no outcome within the limit');
    return seen;
  }

  async function until(
    engine: EnginePort,
    handle: JobHandle,
    wanted: (seen: Observation) => boolean,
  ): Promise<Observation> {
    let last: Observation | undefined;
    const seen = await waitFor(
      async () => {
        last = await engine.observe(handle);
        return wanted(last) ? last : undefined;
      },
      { deadlineMs: limitMs, intervalMs: 200 },
    );
    assert.ok(seen, `not reached in ${limitMs} ms; last seen: ${JSON.stringify(last)}`);
    return seen;
  }

  const inState = (state: JobState) => (seen: Observation) => {
    assert.ok(!isTerminal(seen.state) || seen.state === state, `unexpected end: ${JSON.stringify(seen)}`);
    return seen.state === state;
  };

  describe(`engine contract: ${subject.name}`, () => {
    before(async () => subject.start?.());
    // A job that a failed test left behind would hold what the next one needs.
    afterEach(async () => {
      for (const handle of started.splice(0)) await subject.engine().cancel(handle);
    });
    after(async () => subject.stop?.());

    it('runs a job that is found by its key alone, observed alone and in a list, and cancelled for certain', async () => {
      const engine = subject.engine();
      const key = newKey();
      const spec = subject.longJob(key);
      const first = await submit(engine, spec, key);
      assert.equal(first.key, key);
      assert.ok(!isTerminal(first.state), JSON.stringify(first));
      const handle = { key, spec, ...(first.engineJobId === undefined ? {} : { engineJobId: first.engineJobId }) };
      const running = await until(engine, handle, inState('running'));
      assert.ok(running.engineJobId, 'a running job has an engine id');
      assert.match(running.link ?? '', /^https?:\/\//);
      assert.notEqual(running.nativeState, '');

      const found = await subject.engine().find({ key, spec });
      assert.equal(found?.engineJobId, running.engineJobId, 'another worker finds the same job by the key');

      const stranger = newKey();
      const list = await engine.observeAll([handle, { key: stranger, spec: subject.longJob(stranger) }]);
      assert.equal(list.get(key)?.state, 'running');
      assert.equal(list.get(stranger)?.nativeState, 'NOT_FOUND');
      assert.equal(typeof (await engine.logs(handle, 1_000)), 'string');

      const ended = await engine.cancel(handle);
      assert.equal(ended.state, 'cancelled', JSON.stringify(ended));
      assert.ok(ended.reason);
      assert.equal((await engine.cancel(handle)).state, 'cancelled', 'cancelling twice changes nothing');
      assert.equal((await engine.submit(spec, key)).state, 'cancelled', 'a cancelled submission is not started again');
      assert.equal(await subject.jobsOf(key), 1);
    });

    it('makes one job of two submissions with the same key at the same time', async () => {
      const key = newKey();
      const spec = subject.longJob(key);
      const both = await Promise.all([
        submitWithRetries(subject.engine(), spec, key),
        submitWithRetries(subject.engine(), spec, key),
      ]);
      const running = await until(subject.engine(), { key, spec }, inState('running'));
      for (const seen of both) assert.ok(seen.engineJobId === undefined || seen.engineJobId === running.engineJobId);
      assert.equal(await subject.jobsOf(key), 1);
    });

    it('finds the job again after the answer to its submission was lost', async (t: TestContext) => {
      const losing = await subject.engineLosingItsAnswer?.();
      if (losing === undefined) return t.skip('this engine has no answer that could be lost');
      try {
        const key = newKey();
        const spec = subject.longJob(key);
        await submitWithRetries(losing.engine, spec, key);
        await until(subject.engine(), { key, spec }, inState('running'));
        assert.equal(await subject.jobsOf(key), 1);
      } finally {
        await losing.close();
      }
    });

    it('says of an unknown job that it does not know it, and no more', async () => {
      const engine = subject.engine();
      const key = newKey();
      const handle = { key, spec: subject.longJob(key) };
      const seen = await engine.observe(handle);
      assert.equal(seen.state, 'unknown');
      assert.equal(seen.nativeState, 'NOT_FOUND');
      assert.equal(await engine.find(handle), undefined);
      assert.equal(await engine.logs(handle, 1_000), '');
      assert.equal(await subject.jobsOf(key), 0);
    });

    it('gives a readable reason and blames the user for a job that fails by its own fault', async () => {
      const engine = subject.engine();
      const key = newKey();
      const spec = subject.failingJob(key);
      const first = await submitWithRetries(engine, spec, key);
      const failed = isTerminal(first.state)
        ? first
        : await until(engine, { key, spec, engineJobId: first.engineJobId ?? '' }, (seen) => isTerminal(seen.state));
      assert.equal(failed.state, 'failed', JSON.stringify(failed));
      assert.equal(failed.blame, 'user', JSON.stringify(failed));
      assert.ok((failed.reason ?? '').length > 10, failed.reason);
      assert.doesNotMatch(failed.reason ?? '', /\n|\tat /);
    });

    it('believes a job that ended well', async (t: TestContext) => {
      if (subject.shortJob === undefined) return t.skip('this engine has no jobs that end by themselves');
      const engine = subject.engine();
      assert.equal(engine.capabilities.batch, true);
      const key = newKey();
      const spec = subject.shortJob(key);
      const first = await submitWithRetries(engine, spec, key);
      const handle = { key, spec, engineJobId: first.engineJobId ?? '' };
      const done = await until(engine, handle, (seen) => isTerminal(seen.state));
      assert.equal(done.state, 'succeeded', JSON.stringify(done));
      assert.equal((await engine.observeAll([handle])).get(key)?.state, 'succeeded');
      assert.equal((await engine.submit(spec, key)).state, 'succeeded', 'submitted again, it is found ended');
      assert.equal(await subject.jobsOf(key), 1);
    });

    it('throws ENGINE_UNREACHABLE while the cluster is away, and concludes nothing', async () => {
      const away = await subject.engineAway();
      const key = newKey();
      const handle = { key, spec: subject.longJob(key) };
      const calls: [string, () => Promise<unknown>][] = [
        ['observe', () => away.observe(handle)],
        ['find', () => away.find(handle)],
        ['observeAll', () => away.observeAll([handle])],
        ['submit', () => away.submit(handle.spec, key)],
        ['ping', () => away.ping()],
      ];
      for (const [name, call] of calls) {
        await assert.rejects(call, (error) => isSluiceError(error, 'ENGINE_UNREACHABLE') && error.retryable, name);
      }
      assert.equal(await subject.jobsOf(key), 0);
    });

    it('names its version', async () => {
      assert.notEqual((await subject.engine().ping()).version, '');
    });
  });
}
