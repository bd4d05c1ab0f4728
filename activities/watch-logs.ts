/** Keeps logs of ended jobs beside the watch loop: one round at a time, never in the way of a list or a signal. */
import type { Logger } from '@temporalio/common';
import { messageOf } from '../infra/errors.js';
import { redact } from './lineage/redact.js';

export interface LogKeeper {
  /** Begins a round unless one is under way. */
  begin(): void;
  /** Resolves when no round is under way. */
  done(): Promise<void>;
}

/** `keep` copies what is due; when it fails, the next round tries again. */
export function createLogKeeper(keep: () => Promise<unknown>, log: Logger): LogKeeper {
  let round: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    try {
      await keep();
    } catch (error) {
      log.warn(`logs of ended jobs are not kept now: ${redact(messageOf(error))}`);
    } finally {
      round = undefined;
    }
  };
  return {
    begin: () => {
      round ??= run();
    },
    done: () => round ?? Promise.resolve(),
  };
}
