/** Turns what a JVM job left behind (a stack trace, a log tail) into one readable reason and who is to blame for it. */
import { z } from 'zod';
import type { Blame } from './port.js';

export interface FailureVerdict {
  reason: string;
  blame: Blame;
  outOfMemory: boolean;
}

/** Our own jobs print one line of this form as their last word; it wins over anything guessed from a stack trace. */
const MARK = 'SLUICE_FAILURE ';
const markSchema = z.object({
  blame: z.enum(['user', 'platform', 'resources']).optional(),
  outOfMemory: z.boolean().optional(),
  class: z.string().optional(),
  message: z.string().nullish(),
  reason: z.string().optional(),
});

const MAX_REASON = 600;
const OUT_OF_MEMORY = ['java.lang.OutOfMemoryError', 'org.apache.spark.memory.SparkOutOfMemoryError'];
const NO_RESOURCES = ['NoResourceAvailableException', 'InsufficientResourcesException'];

/** Exceptions that say that machines or servers were at fault, by class name; all others are the job's own. */
const PLATFORM = [
  'JobMasterException',
  'TaskManagerException',
  'TaskExecutorException',
  'RemoteTransportException',
  'LocalTransportException',
  'PartitionNotFoundException',
  'PartitionConnectionException',
  'ResourceManagerException',
  'HeartbeatTimeoutException',
  'CheckpointException',
  'java.net.ConnectException',
  'java.net.NoRouteToHostException',
  'java.net.SocketTimeoutException',
  'java.net.UnknownHostException',
  'java.util.concurrent.TimeoutException',
  'org.apache.kafka.common.errors.TimeoutException',
  'org.apache.kafka.common.errors.DisconnectException',
  'org.apache.kafka.common.errors.BrokerNotAvailableException',
  'org.apache.hadoop.fs.s3a.AWSServiceIOException',
  'org.apache.hadoop.fs.s3a.AWSStatus500Exception',
  'RpcTimeoutException',
  'RpcEndpointNotFoundException',
];

/** Executors killed by the system (137 = SIGKILL, 52 = the JVM's own out-of-memory exit of Spark, 143 = SIGTERM). */
const EXECUTOR_EXIT = /ExecutorLostFailure[\s\S]{0,400}?(?:exit(?:ed)?(?: with)? code|Exit status:?) ?(\d+)/i;

interface Cause {
  className: string;
  line: string;
}

export function classifyFailure(text: string): FailureVerdict | undefined {
  const marked = readMark(text);
  const causes = causesOf(text);
  if (marked === undefined && causes.length === 0) return undefined;
  const outOfMemory = marked?.outOfMemory ?? isOutOfMemory(text, causes);
  const root = causes.at(-1);
  const reason = marked?.reason ?? root?.line ?? 'the job failed';
  return { reason: oneLine(reason), blame: marked?.blame ?? blameOf(causes, text, outOfMemory), outOfMemory };
}

/** The last non-empty lines of a log as one reason, for a process that ended without an exception. */
export function lastLines(text: string, count = 3): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return oneLine(lines.slice(-count).join(' | '));
}

/** Reads the marked form by itself, as our jobs also leave it beside their output. */
export function readFailureNote(json: string): FailureVerdict | undefined {
  const note = readNote(json);
  if (note === undefined) return undefined;
  return { reason: 'the job failed', blame: 'platform', outOfMemory: false, ...note };
}

function readMark(text: string): Partial<FailureVerdict> | undefined {
  const at = text.lastIndexOf(MARK);
  return at < 0 ? undefined : readNote(text.slice(at + MARK.length).split('\n', 1)[0] ?? '');
}

function readNote(json: string): Partial<FailureVerdict> | undefined {
  try {
    const parsed = markSchema.safeParse(JSON.parse(json));
    if (!parsed.success) return undefined;
    const { blame, outOfMemory, reason, message } = parsed.data;
    const className = parsed.data.class?.split('.').at(-1);
    const said = reason ?? [className, message].filter((part) => part != null && part !== '').join(': ');
    return {
      ...(said === '' ? {} : { reason: oneLine(said) }),
      ...(blame === undefined ? {} : { blame, outOfMemory: outOfMemory ?? blame === 'resources' }),
    };
  } catch {
    return undefined;
  }
}

/** Exception class and message of the newest stack trace in a text, outermost first, root cause last. */
function causesOf(text: string): Cause[] {
  const found: Cause[] = [];
  for (const raw of text.split('\n')) {
    const match =
      /(?:^|\s)(Caused by: )?((?:[a-z_][\w$]*\.)+(?:[A-Z][\w$]*)?(?:Exception|Error|Failure|Throwable))(?::\s*(.*))?$/.exec(
        raw,
      );
    if (match?.[2] === undefined || /^\s+at /.test(raw)) continue;
    // A new trace begins where a line is not a cause: what came before belongs to another failure.
    if (match[1] === undefined) found.length = 0;
    const message = match[3]?.trim() ?? '';
    const short = match[2].slice(match[2].lastIndexOf('.') + 1);
    found.push({ className: match[2], line: message === '' ? short : `${short}: ${message}` });
  }
  return found;
}

function isOutOfMemory(text: string, causes: readonly Cause[]): boolean {
  if (causes.some((cause) => OUT_OF_MEMORY.includes(cause.className))) return true;
  if (text.includes('java.lang.OutOfMemoryError')) return true;
  const exit = EXECUTOR_EXIT.exec(text)?.[1];
  return exit === '137' || exit === '52';
}

function blameOf(causes: readonly Cause[], text: string, outOfMemory: boolean): Blame {
  if (outOfMemory) return 'resources';
  const named = (names: readonly string[]) =>
    causes.some((cause) => names.some((name) => cause.className === name || cause.className.endsWith(`.${name}`)));
  if (named(NO_RESOURCES)) return 'resources';
  if (named(PLATFORM) || text.includes('ExecutorLostFailure')) return 'platform';
  return 'user';
}

function oneLine(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  return flat.length > MAX_REASON ? `${flat.slice(0, MAX_REASON - 1)}…` : flat;
}
