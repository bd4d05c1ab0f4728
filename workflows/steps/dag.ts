/** Runs named steps as soon as the steps they depend on are done; the first failure cancels and awaits the rest. */
import { CancellationScope, isCancellation } from '@temporalio/workflow';

export interface Step {
  name: string;
  dependsOn: readonly string[];
  run: () => Promise<void>;
}

export async function runSteps(steps: readonly Step[]): Promise<void> {
  const scope = new CancellationScope();
  let firstFailure: unknown;
  await scope.run(async () => {
    const done = new Map<string, Promise<void>>();
    const start = (step: Step): Promise<void> => {
      const known = done.get(step.name);
      if (known) return known;
      const before = steps.filter((candidate) => step.dependsOn.includes(candidate.name));
      const promise = Promise.all(before.map(start)).then(async () => {
        try {
          await step.run();
        } catch (error) {
          // A sibling that ends because of our own cancel must not hide the failure that caused it.
          if (firstFailure === undefined || isCancellation(firstFailure)) firstFailure = error;
          scope.cancel();
          throw error;
        }
      });
      done.set(step.name, promise);
      return promise;
    };
    await Promise.allSettled(steps.map(start));
  });
  if (firstFailure !== undefined) throw firstFailure;
}
