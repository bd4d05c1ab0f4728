/** Times the named steps of the demo and says when each begins and ends. */
import type { Step } from '../bring-up.js';

export interface StepTime {
  name: string;
  seconds: number;
}

export function createSteps(say: (line: string) => void): { step: Step; times: StepTime[] } {
  const times: StepTime[] = [];
  const step: Step = async (name, work) => {
    const startedMs = performance.now();
    say(`[${name}] …`);
    const result = await work();
    const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
    times.push({ name, seconds });
    say(`[${name}] ${seconds} s`);
    return result;
  };
  return { step, times };
}
