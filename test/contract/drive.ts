/** Drives jobs through an engine under test: submits as a retry policy would, waits for states, and cleans up. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { isTerminal } from '../../engines/job-state.js';
import type { JobState } from '../../engines/job-state.js';
import type { EnginePort, JobHandle, JobSpec, Observation } from '../../engines/port.js';
import { waitFor } from '../../engines/waiting.js';
import { isSluiceError } from '../../infra/errors.js';
import type { EngineContractSubject } from './subject.js';

export type Drive = ReturnType<typeof createDrive>;

export const newKey = (): string => randomBytes(16).toString('hex');

export const unreachable = (error: unknown): boolean => isSluiceError(error, 'ENGINE_UNREACHABLE') && error.retryable;

/** Ends the wait with a failure when the job ends in any other state. */
export const inState = (state: JobState) => (seen: Observation) => {
  assert.ok(!isTerminal(seen.state) || seen.state === state, `unexpected end: ${JSON.stringify(seen)}`);
  return seen.state === state;
};

export const ended = (seen: Observation): boolean => isTerminal(seen.state);

export function createDrive(subject: EngineContractSubject) {
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

  /** An ended job may hold its name at the engine for a moment longer. */
  async function untagged(key: string): Promise<void> {
    const gone = await waitFor(async () => ((await tagsOf()).includes(key) ? undefined : true), {
      deadlineMs: limitMs,
      intervalMs: 200,
    });
    assert.ok(gone, `the ended job ${key} still bears its tag`);
  }

  const tagsOf = async (installation = 'test'): Promise<string[]> =>
    (await subject.engine().tagged(installation)).map(({ key }) => key);

  return {
    submit,
    submitWithRetries,
    until,
    tagsOf,
    untagged,
    /** Counts a job as started although another process starts it. */
    began: (key: string, spec: JobSpec): void => void started.push({ key, spec }),
    async cancelAll(): Promise<void> {
      for (const handle of started.splice(0)) await subject.engine().cancel(handle);
    },
  };
}
