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

/** The JVM's own words for an exception that nobody caught. */
const UNCAUGHT = 'Exception in thread "main" ';

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
  'RecipientUnreachableException',
  /** A TaskExecutor that is shut down says so to its jobs. */
  'FlinkExpectedException',
  'FetchFailedException',
  'MetadataFetchFailedException',
  'ExecutorDeadException',
  'java.net.ConnectException',
  'java.net.NoRouteToHostException',
  'java.net.SocketTimeoutException',
  'java.net.UnknownHostException',
  'java.util.concurrent.TimeoutException',
  'org.apache.kafka.common.errors.TimeoutException',
  'org.apache.kafka.common.errors.DisconnectException',
  'org.apache.kafka.common.errors.NetworkException',
  'org.apache.kafka.common.errors.BrokerNotAvailableException',
  'org.apache.kafka.common.errors.CoordinatorNotAvailableException',
  'org.apache.kafka.common.errors.LeaderNotAvailableException',
  'org.apache.kafka.common.errors.NotLeaderOrFollowerException',
  'org.apache.kafka.common.errors.NotEnoughReplicasException',
  'org.apache.kafka.common.errors.ProducerFencedException',
  'org.apache.kafka.streams.errors.LockException',
  'org.apache.kafka.streams.errors.TaskMigratedException',
  'org.apache.hadoop.fs.s3a.AWSServiceIOException',
  'org.apache.hadoop.fs.s3a.AWSStatus500Exception',
  'RpcTimeoutException',
  'RpcEndpointNotFoundException',
];

/** Where Flink gives up on failed checkpoints it throws a general exception: only its place in the code names it. */
const CHECKPOINTS_GIVEN_UP = 'at org.apache.flink.runtime.checkpoint.CheckpointFailureManager.';

/** Spark has no exception for an executor that went away, only this word and the exit code behind it. */
const EXECUTOR_LOST = 'ExecutorLostFailure';
const EXECUTOR_EXIT = /ExecutorLostFailure[\s\S]{0,400}?(?:exit(?:ed)?(?: with)? code|Exit status):? ?(\d+)/i;
/** 137 = SIGKILL, as by a memory limit; 52 = Spark's own exit when the heap is full. 143 (SIGTERM) is a machine that went. */
const EXECUTOR_OUT_OF_MEMORY = new Set(['137', '52']);

interface Cause {
  className: string;
  line: string;
}

export function classifyFailure(text: string): FailureVerdict | undefined {
  const marked = readMark(text);
  const { causes, trace } = newestTrace(text);
  if (marked === undefined && causes.length === 0) return undefined;
  const outOfMemory = marked?.outOfMemory ?? isOutOfMemory(text, trace, causes);
  const root = causes.at(-1);
  const reason = marked?.reason ?? root?.line ?? 'the job failed';
  return { reason: oneLine(reason), blame: marked?.blame ?? blameOf(causes, trace, outOfMemory), outOfMemory };
}

/**
 * For the log of a process that leaves its last word whenever it ends by itself: without that word only lack of memory or
 * an exception that ended the JVM's own main thread counts. Any other trace was survived, and something from outside came after.
 */
export function classifyEnd(log: string): FailureVerdict | undefined {
  const verdict = classifyFailure(log);
  if (verdict === undefined || verdict.outOfMemory || readMark(log) !== undefined) return verdict;
  return newestTrace(log).trace.startsWith(UNCAUGHT) ? verdict : undefined;
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

/** Exception class and message of the newest stack trace in a text, outermost first, root cause last; and that trace itself. */
function newestTrace(text: string): { causes: Cause[]; trace: string } {
  const found: Cause[] = [];
  const lines = text.split('\n');
  let first = 0;
  for (const [index, raw] of lines.entries()) {
    const match =
      /(?:^|\s)(Caused by: )?((?:[a-z_][\w$]*\.)+(?:[A-Z][\w$]*)?(?:Exception|Error|Failure|Throwable))(?::\s*(.*))?$/.exec(
        raw,
      );
    if (match?.[2] === undefined || /^\s+at /.test(raw)) continue;
    // A new trace begins where a line is not a cause: what came before belongs to another failure.
    if (match[1] === undefined) {
      found.length = 0;
      first = index;
    }
    const message = match[3]?.trim() ?? '';
    const short = match[2].slice(match[2].lastIndexOf('.') + 1);
    found.push({ className: match[2], line: message === '' ? short : `${short}: ${message}` });
  }
  return { causes: found, trace: lines.slice(first).join('\n') };
}

function isOutOfMemory(text: string, trace: string, causes: readonly Cause[]): boolean {
  if (causes.some((cause) => OUT_OF_MEMORY.includes(cause.className))) return true;
  // A JVM without memory fails in other ways right after, and Spark puts a task's exception into the message of the job's.
  if (text.includes('java.lang.OutOfMemoryError')) return true;
  return EXECUTOR_OUT_OF_MEMORY.has(EXECUTOR_EXIT.exec(trace)?.[1] ?? '');
}

function blameOf(causes: readonly Cause[], trace: string, outOfMemory: boolean): Blame {
  if (outOfMemory) return 'resources';
  const named = (names: readonly string[]) =>
    causes.some((cause) => names.some((name) => cause.className === name || cause.className.endsWith(`.${name}`)));
  if (named(NO_RESOURCES)) return 'resources';
  if (named(PLATFORM) || trace.includes(EXECUTOR_LOST) || trace.includes(CHECKPOINTS_GIVEN_UP)) return 'platform';
  return 'user';
}

function oneLine(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  return flat.length > MAX_REASON ? `${flat.slice(0, MAX_REASON - 1)}…` : flat;
}
