/** What Flink's answer to a run request means once the job list has been asked: the list decides, the answer only explains. */
import type { HttpAnswer } from '../../infra/http/client.js';
import { textsOf } from '../../infra/http/error-body.js';
import { classifyFailure } from '../failure-text.js';
import type { FailureVerdict } from '../failure-text.js';

export type Refusal =
  /** The program itself could not be started; nothing was registered. */
  | ({ kind: 'program' } & FailureVerdict)
  /** Flink has had this id before and no longer knows the job. */
  | { kind: 'twin'; reason: string }
  /** The answer does not exclude that the job comes up later. */
  | { kind: 'open'; reason: string };

const TWIN = /\bDuplicate(?:Job|Application)SubmissionException\b/;
const PROGRAM = /\b(?:ProgramInvocationException|InvalidProgramException)\b/;

/** Undefined when Flink took the job. Decided by status and exception classes, which are Flink's only codes here. */
export function refusalOf(answer: HttpAnswer): Refusal | undefined {
  if (answer.status < 400) return undefined;
  const text = textsOf(answer.text).join('\n');
  const verdict = classifyFailure(text);
  const reason = verdict?.reason ?? `HTTP ${answer.status} without a reason`;
  if (TWIN.test(text)) return { kind: 'twin', reason };
  // A main method that failed because a server did not answer in time may have got its job through all the same.
  if (verdict !== undefined && PROGRAM.test(text) && verdict.blame === 'user') return { kind: 'program', ...verdict };
  return { kind: 'open', reason };
}
