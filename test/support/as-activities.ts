/** Activities as a worker runs them: each call as an activity of its own, with a context. */
import { MockActivityEnvironment } from '@temporalio/testing';

type AnyActivity = (input: never) => Promise<unknown>;

export function asActivities<T extends object>(activities: T): T {
  const calls = Object.entries(activities as Record<string, AnyActivity>).map(([name, run]) => [
    name,
    (input: never) => new MockActivityEnvironment().run(run as never, input),
  ]);
  return Object.fromEntries(calls) as T;
}
