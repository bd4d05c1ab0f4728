/** What every engine adapter must do, as one suite; it runs on the fakes always and on the real servers when they are there. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { isTerminal } from '../../engines/job-state.js';
import { createDrive, ended, inState, newKey } from './drive.js';
import { faultCases } from './fault-cases.js';
import type { EngineContractSubject } from './subject.js';

export function engineContract(subject: EngineContractSubject): void {
  const drive = createDrive(subject);
  const { submit, submitWithRetries, until, tagsOf, untagged } = drive;

  describe(`engine contract: ${subject.name}`, () => {
    before(async () => subject.start?.());
    // A job that a failed test left behind would hold what the next one needs.
    afterEach(() => drive.cancelAll());
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

      const tagged = (await engine.tagged('test')).find((one) => one.key === key);
      assert.ok(tagged, 'it bears the tag of its installation');
      assert.ok(!isTerminal(tagged.state) && tagged.engineJobId !== '' && tagged.nativeState !== '');
      assert.ok(!(await tagsOf('tes')).includes(key), 'of this installation only, not of one with a similar name');
      assert.ok(!(await tagsOf('other')).includes(key), 'it is not the job of another installation');

      const last = await engine.cancel(handle);
      assert.equal(last.state, 'cancelled', JSON.stringify(last));
      assert.ok(last.reason);
      assert.ok(!(await tagsOf()).includes(key), 'an ended job bears no tag any more');
      assert.equal(typeof (await engine.logs(handle, 1_000)), 'string');
      assert.equal((await engine.cancel(handle)).state, 'cancelled', 'cancelling twice changes nothing');
      assert.equal((await engine.submit(spec, key)).state, 'cancelled', 'a cancelled submission is not started again');
      assert.equal(await subject.jobsOf(key), 1);
    });

    it('makes one job of two submissions with the same key at the same time, and ends it with a savepoint where there are any', async () => {
      const key = newKey();
      const spec = subject.longJob(key);
      const both = await Promise.all([
        submitWithRetries(subject.engine(), spec, key),
        submitWithRetries(subject.engine(), spec, key),
      ]);
      const running = await until(subject.engine(), { key, spec }, inState('running'));
      for (const seen of both) assert.ok(seen.engineJobId === undefined || seen.engineJobId === running.engineJobId);
      assert.equal(await subject.jobsOf(key), 1);

      const engine = subject.engine();
      const handle = { key, spec, engineJobId: running.engineJobId ?? '' };
      const trigger = newKey();
      const last = await engine.stopWithSavepoint(handle, trigger);
      assert.equal(last.state, engine.capabilities.savepoints ? 'succeeded' : 'cancelled', JSON.stringify(last));
      assert.equal(last.restorePoint !== undefined, engine.capabilities.savepoints);
      const repeated = await subject.engine().stopWithSavepoint(handle, trigger);
      assert.deepEqual([repeated.state, repeated.restorePoint], [last.state, last.restorePoint], 'one savepoint only');
      await untagged(key);
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
        : await until(engine, { key, spec, engineJobId: first.engineJobId ?? '' }, ended);
      assert.equal(failed.state, 'failed', JSON.stringify(failed));
      assert.equal(failed.blame, 'user', JSON.stringify(failed));
      assert.ok((failed.reason ?? '').length > 10, failed.reason);
      assert.doesNotMatch(failed.reason ?? '', /\n|\tat /);
      await untagged(key);
      if (subject.failureInLog !== undefined) {
        const engineJobId = failed.engineJobId ?? first.engineJobId ?? '';
        const log = await subject.engine().logs({ key, spec, engineJobId }, 64 * 1024);
        assert.match(log, subject.failureInLog, 'another worker still reads it after the end');
      }
    });

    it('keeps the error of a job that failed while it ran, for whoever reads it after the end', async (t: TestContext) => {
      if (subject.failingLater === undefined) return t.skip('its failing job does so already');
      const key = newKey();
      const spec = subject.failingLater(key);
      await submitWithRetries(subject.engine(), spec, key);
      const failed = await until(subject.engine(), { key, spec }, ended);
      assert.deepEqual([failed.state, failed.blame], ['failed', 'user'], JSON.stringify(failed));
      const log = await subject.engine().logs({ key, spec }, 64 * 1024);
      const [, message = 'no message'] = /: (.*)/.exec(failed.reason ?? '') ?? [];
      assert.ok(log.includes(message), `${failed.reason ?? ''} is not in the log: ${log.slice(0, 500)}`);
    });

    it('believes a job that ended well', async (t: TestContext) => {
      if (subject.shortJob === undefined) return t.skip('this engine has no jobs that end by themselves');
      const engine = subject.engine();
      assert.equal(engine.capabilities.batch, true);
      const key = newKey();
      const spec = subject.shortJob(key);
      const first = await submitWithRetries(engine, spec, key);
      const handle = { key, spec, engineJobId: first.engineJobId ?? '' };
      const done = await until(engine, handle, ended);
      assert.equal(done.state, 'succeeded', JSON.stringify(done));
      assert.equal((await engine.observeAll([handle])).get(key)?.state, 'succeeded');
      assert.equal((await engine.submit(spec, key)).state, 'succeeded', 'submitted again, it is found ended');
      assert.equal(await subject.jobsOf(key), 1);
    });

    faultCases(subject, drive);

    it('names its version', async () => {
      assert.notEqual((await subject.engine().ping()).version, '');
    });
  });
}
