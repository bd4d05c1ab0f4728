/** How a process of ours ends with an error: what it says, and its exit code. */
import { isSluiceError, messageOf } from '../infra/errors.js';

/** 2 = the request or the settings cannot be right; 1 = everything else. */
export const exitCodeOf = (error: unknown): 1 | 2 =>
  isSluiceError(error, 'INVALID_REQUEST') || isSluiceError(error, 'CONFIG_INVALID') ? 2 : 1;

/** Our own errors say what would be right; anything else shows where it came from. */
export function describeError(error: unknown): string {
  if (isSluiceError(error)) return `${error.code}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
}
