/** The part of the engine contract in which engines are slow, away, forgetful or too small, and jobs die of all causes. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { isTerminal } from '../../engines/job-state.js';
import type { EnginePort, JobSpec, Observation } from '../../engines/port.js';
import { waitFor } from '../../engines/waiting.js';
import { ended, inState, newKey, unreachable } from './drive.js';
import type { Drive } from './drive.js';
import type { EngineContractSubject } from './subject.js';

export function faultCases(subject: EngineContractSubject, drive: Drive): void {
  const { submitWithRetries, until, untagged } = drive;

  /** While the door is shut nothing is concluded and nothing is lost; the job lives on behind it. */
  async function rideOut(
    behindDoor: () => Promise<{ engine: EnginePort; shut(away: boolean): void; close(): Promise<void> }>,
    key: string,
    spec: JobSpec,
    running: Observation,
  ): Promise<void> {
    const door = await behindDoor();
    const handle = { key, spec, engineJobId: running.engineJobId ?? '' };
    try {
      assert.equal((await door.engine.observe(handle)).state, 'running');
      door.shut(true);
      const end = Date.now() + subject.awayMs;
      let looks = 0;
      await waitFor(
        async () => {
          await assert.rejects(door.engine.observe(handle), unreachable);
          await assert.rejects(door.engine.observeAll([handle]), unreachable);
          await assert.rejects(door.engine.tagged('test'), unreachable, 'a list of nothing would orphan everything');
          looks += 1;
          return Date.now() >= end ? true : undefined;
        },
        { deadlineMs: subject.awayMs + subject.limitMs, intervalMs: Math.max(20, subject.awayMs / 20) },
      );
      assert.ok(looks > 1);
      door.shut(false);
      const back = await until(door.engine, handle, inState('running'));
      assert.equal(back.engineJobId, running.engineJobId);
      assert.equal((await door.engine.submit(spec, key)).engineJobId, running.engineJobId);
      assert.equal(await subject.jobsOf(key), 1);
    } finally {
      await door.close();
    }
  }

  it('makes one job of submissions from two processes, rides out a cluster that is away, and sees a kill by hand', async (t: TestContext) => {
    const { submitFromTwoProcesses, engineBehindDoor } = subject;
    const key = newKey();
    const spec = subject.longJob(key);
    drive.began(key, spec);
    if (typeof submitFromTwoProcesses === 'function') await submitFromTwoProcesses(spec, key);
    else {
      t.diagnostic(`one process only: ${submitFromTwoProcesses.none}`);
      await submitWithRetries(subject.engine(), spec, key);
    }
    const running = await until(subject.engine(), { key, spec }, inState('running'));
    assert.equal(await subject.jobsOf(key), 1, 'one job of two processes');

    if (typeof engineBehindDoor === 'function') await rideOut(engineBehindDoor, key, spec, running);
    else t.diagnostic(`never away: ${engineBehindDoor.none}`);

    await subject.killByHand(key, running.engineJobId ?? '');
    const handle = { key, spec, engineJobId: running.engineJobId ?? '' };
    const last = await until(subject.engine(), handle, ended);
    assert.ok(last.state === 'cancelled' || last.state === 'failed', JSON.stringify(last));
    assert.ok(last.reason, 'it says so');
    assert.notEqual(last.blame, 'user', 'nobody blames the job');
    await untagged(key);
    assert.equal(await subject.jobsOf(key), 1, 'nothing was started again');
  });

  it('makes one job of a submission that the engine takes after we stopped waiting, and tells a platform failure from its own', async (t: TestContext) => {
    const { slowEngine, failByPlatform } = subject;
    if (typeof slowEngine !== 'function' && typeof failByPlatform !== 'function') {
      return t.skip(`${slowEngine.none}; ${failByPlatform.none}`);
    }
    const key = newKey();
    const spec = subject.longJob(key);
    if (typeof slowEngine === 'function') {
      const slow = await slowEngine();
      try {
        await submitWithRetries(slow.engine, spec, key);
        await until(subject.engine(), { key, spec }, inState('running'));
      } finally {
        await slow.close();
      }
    } else {
      t.diagnostic(`never slow: ${slowEngine.none}`);
      await submitWithRetries(subject.engine(), spec, key);
    }
    const running = await until(subject.engine(), { key, spec }, inState('running'));
    assert.equal(await subject.jobsOf(key), 1);

    if (typeof failByPlatform !== 'function') return t.diagnostic(`no platform failure: ${failByPlatform.none}`);
    await failByPlatform(key);
    const handle = { key, spec, engineJobId: running.engineJobId ?? '' };
    const failed = await until(subject.engine(), handle, ended);
    assert.deepEqual([failed.state, failed.blame], ['failed', 'platform'], JSON.stringify(failed));
    assert.ok(failed.reason);
    await untagged(key);
  });

  it('blames resources for a job that runs out of memory', async (t: TestContext) => {
    if (typeof subject.hungryJob !== 'function') return t.skip(subject.hungryJob.none);
    const key = newKey();
    const { spec, engine } = subject.hungryJob(key);
    const first = await submitWithRetries(engine, spec, key);
    const handle = { key, spec, engineJobId: first.engineJobId ?? '' };
    const failed = isTerminal(first.state) ? first : await until(engine, handle, ended);
    assert.deepEqual(
      [failed.state, failed.blame, failed.outOfMemory],
      ['failed', 'resources', true],
      JSON.stringify(failed),
    );
    assert.match(failed.reason ?? '', /memory|heap|code 52/i);
  });

  it('says why a job that asks for more than there is does not start, and cancels it for certain', async (t: TestContext) => {
    if (typeof subject.greedyJob !== 'function') return t.skip(subject.greedyJob.none);
    const engine = subject.engine();
    const key = newKey();
    const spec = subject.greedyJob(key);
    const first = await submitWithRetries(engine, spec, key);
    const handle = { key, spec, engineJobId: first.engineJobId ?? '' };
    const waiting = await until(engine, handle, (seen) => {
      assert.equal(seen.state, 'starting', JSON.stringify(seen));
      return /\d+ of \d+ (?:tasks|cores)/.test(seen.reason ?? '') && /slots|no executor/.test(seen.reason ?? '');
    });
    assert.equal((await engine.observeAll([handle])).get(key)?.reason, waiting.reason);
    const last = await engine.cancel(handle);
    assert.equal(last.state, 'cancelled', JSON.stringify(last));
    await untagged(key);
  });

  it('does not know a job any more after the engine lost its memory, and calls that no failure', async (t: TestContext) => {
    if (typeof subject.restart !== 'function') return t.skip(subject.restart.none);
    const engine = subject.engine();
    const key = newKey();
    const spec = subject.longJob(key);
    const first = await submitWithRetries(engine, spec, key);
    const handle = { key, spec, engineJobId: first.engineJobId ?? '' };
    await until(engine, handle, inState('running'));
    await subject.restart();
    for (const port of [engine, subject.engine()]) {
      for (const seen of [await port.observe(handle), (await port.observeAll([handle])).get(key)]) {
        assert.deepEqual([seen?.state, seen?.nativeState], ['unknown', 'NOT_FOUND']);
      }
    }
    await untagged(key);
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
      ['tagged', () => away.tagged('test')],
      ['ping', () => away.ping()],
    ];
    for (const [name, call] of calls) {
      await assert.rejects(call, unreachable, name);
    }
    assert.equal(await subject.jobsOf(key), 0);
  });
}
