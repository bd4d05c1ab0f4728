/** Reasons and blame from what JVM jobs leave behind. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { classifyFailure, lastLines, readFailureNote } from '../../../engines/failure-text.js';

const trace = (...causes: string[]): string =>
  causes
    .map((cause, index) => `${index === 0 ? '' : 'Caused by: '}${cause}\n\tat a.B.c(B.java:1)\n\t... 4 more`)
    .join('\n');

describe('failure text', () => {
  it('gives the root cause as one line and blames the user by default', () => {
    const verdict = classifyFailure(
      trace(
        'org.apache.flink.runtime.JobException: Recovery is suppressed',
        'java.lang.ArithmeticException: / by zero',
      ),
    );
    assert.deepEqual(verdict, { reason: 'ArithmeticException: / by zero', blame: 'user', outOfMemory: false });
  });

  const cases: [string, string, 'user' | 'platform' | 'resources', boolean][] = [
    [
      'no slots',
      trace(
        'java.util.concurrent.CompletionException: java.util.concurrent.TimeoutException: x',
        'org.apache.flink.runtime.jobmanager.scheduler.NoResourceAvailableException: Could not acquire the minimum required resources.',
      ),
      'resources',
      false,
    ],
    [
      'a lost TaskManager',
      trace('org.apache.flink.runtime.jobmaster.JobMasterException: TaskManager with id a is no longer reachable.'),
      'platform',
      false,
    ],
    [
      'a silent TaskManager',
      trace('java.util.concurrent.TimeoutException: Heartbeat of TaskManager with id a timed out.'),
      'platform',
      false,
    ],
    [
      'Kafka away',
      trace(
        'org.apache.kafka.common.KafkaException: x',
        'org.apache.kafka.common.errors.TimeoutException: Topic sales.raw not present',
      ),
      'platform',
      false,
    ],
    ['heap', trace('java.lang.RuntimeException: x', 'java.lang.OutOfMemoryError: Java heap space'), 'resources', true],
    [
      'a killed executor',
      'org.apache.spark.SparkException: Job aborted due to stage failure: ExecutorLostFailure (executor 0 exited caused by one of the running tasks) Reason: Command exited with code 137',
      'resources',
      true,
    ],
    [
      'a lost executor',
      'org.apache.spark.SparkException: Job aborted due to stage failure: ExecutorLostFailure (executor 0 exited unrelated to the running tasks) Reason: worker lost',
      'platform',
      false,
    ],
    ['a bad query', trace('org.apache.spark.sql.AnalysisException: [UNRESOLVED_COLUMN] `amuont`'), 'user', false],
    [
      'a closed connection to a TaskManager',
      trace(
        "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException: Connection unexpectedly closed by remote task manager '127.0.0.1:6121'. This might indicate that the remote task manager was lost.",
      ),
      'platform',
      false,
    ],
    [
      'a TaskManager that shuts down',
      trace('org.apache.flink.util.FlinkExpectedException: The TaskExecutor is shutting down.'),
      'platform',
      false,
    ],
    [
      'a full metaspace',
      trace(
        'org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy',
        'java.lang.OutOfMemoryError: Metaspace. The metaspace out-of-memory error has occurred.',
      ),
      'resources',
      true,
    ],
    [
      'checkpoints given up',
      'org.apache.flink.util.FlinkRuntimeException: Exceeded checkpoint tolerable failure threshold. The latest checkpoint failed due to Asynchronous task checkpoint failed.\n' +
        '\tat org.apache.flink.runtime.checkpoint.CheckpointFailureManager.checkFailureAgainstCounter(CheckpointFailureManager.java:212)\n' +
        '\tat org.apache.flink.runtime.checkpoint.CheckpointFailureManager.handleTaskLevelCheckpointException(CheckpointFailureManager.java:191)',
      'platform',
      false,
    ],
    [
      'a checkpoint that expired',
      trace('org.apache.flink.runtime.checkpoint.CheckpointException: Checkpoint expired before completing.'),
      'platform',
      false,
    ],
    [
      'code of the job inside an operator',
      trace(
        'org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy',
        'org.apache.flink.streaming.runtime.tasks.ExceptionInChainedOperatorException: Could not forward element to next operator',
        'java.lang.NumberFormatException: For input string: "1.234,50"',
      ),
      'user',
      false,
    ],
    [
      'a full executor heap',
      'org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 1.0 failed 4 times, most recent failure: Lost task 0.3 in stage 1.0 (TID 7) (127.0.0.1 executor 3): ExecutorLostFailure (executor 3 exited caused by one of the running tasks) Reason: Command exited with code 52',
      'resources',
      true,
    ],
    [
      'an executor that was told to end',
      'org.apache.spark.SparkException: Job aborted due to stage failure: ExecutorLostFailure (executor 3 exited caused by one of the running tasks) Reason: Command exited with code 143',
      'platform',
      false,
    ],
    [
      'a shuffle file that went with its executor',
      'org.apache.spark.SparkException: Job aborted due to stage failure: ResultStage 2 (save) has failed the maximum allowable number of times: 4. Most recent failure reason:\n' +
        trace('org.apache.spark.shuffle.FetchFailedException: Failed to connect to /127.0.0.1:37001'),
      'platform',
      false,
    ],
    [
      'a task without memory, named only in the message',
      'org.apache.spark.SparkException: Job aborted due to stage failure: Lost task 0.3 in stage 0.0 (TID 3) (127.0.0.1 executor 0): java.lang.OutOfMemoryError: Java heap space',
      'resources',
      true,
    ],
    [
      'a JVM that ended itself for lack of memory',
      'INFO going on\nTerminating due to java.lang.OutOfMemoryError: Java heap space',
      'resources',
      true,
    ],
    [
      'an uncaught exception of a stream thread',
      `ERROR stream thread failed\n${trace(
        'org.apache.kafka.streams.errors.StreamsException: Exception caught in process. taskId=0_0, processor=KSTREAM-SOURCE-0000000000, topic=sales.raw',
        'java.lang.NullPointerException: Cannot invoke "String.length()" because "city" is null',
      )}`,
      'user',
      false,
    ],
    [
      'a record that cannot be read',
      trace(
        'org.apache.kafka.streams.errors.StreamsException: Deserialization exception handler is set to fail upon a deserialization error.',
        'org.apache.kafka.common.errors.SerializationException: not JSON',
      ),
      'user',
      false,
    ],
    [
      'brokers that do not answer',
      trace(
        'org.apache.kafka.streams.errors.StreamsException: Could not create topic',
        'org.apache.kafka.common.errors.TimeoutException: Timed out waiting for a node assignment. Call: createTopics',
      ),
      'platform',
      false,
    ],
    [
      'a lock that another process holds',
      trace('org.apache.kafka.streams.errors.LockException: task [0_0] Failed to lock the state directory'),
      'platform',
      false,
    ],
  ];
  for (const [what, text, blame, outOfMemory] of cases) {
    it(`${what} is the fault of: ${blame}`, () => {
      const verdict = classifyFailure(text);
      assert.equal(verdict?.blame, blame);
      assert.equal(verdict?.outOfMemory, outOfMemory);
    });
  }

  it('believes the newest trace, not an old warning in the same log', () => {
    const log = `${trace('java.net.ConnectException: refused')}\nINFO going on\n${trace('java.lang.IllegalStateException: bad row')}`;
    assert.equal(classifyFailure(log)?.reason, 'IllegalStateException: bad row');
    assert.equal(classifyFailure(log)?.blame, 'user');
  });

  it('takes no blame from an executor that was lost earlier and made up for', () => {
    const log = `WARN TaskSetManager: ExecutorLostFailure (executor 0 exited) Reason: Command exited with code 137\n${trace('org.apache.spark.sql.AnalysisException: [TABLE_NOT_FOUND] sales')}`;
    assert.deepEqual(classifyFailure(log), {
      reason: 'AnalysisException: [TABLE_NOT_FOUND] sales',
      blame: 'user',
      outOfMemory: false,
    });
  });

  it('sees lack of memory through the noise that follows it', () => {
    const log = `${trace('java.lang.OutOfMemoryError: Java heap space')}\n${trace('java.lang.IllegalStateException: Shutdown in progress')}`;
    assert.equal(classifyFailure(log)?.blame, 'resources');
  });

  it("lets the job's own last word win", () => {
    const log = `${trace('java.net.ConnectException: refused')}\nSLUICE_FAILURE {"class":"a.BadSpec","message":"from before to","blame":"user"}\n`;
    assert.deepEqual(classifyFailure(log), { reason: 'BadSpec: from before to', blame: 'user', outOfMemory: false });
  });

  it('reads a failure note, and takes blame on resources as lack of memory', () => {
    const note = readFailureNote(
      '{"class":"java.lang.OutOfMemoryError","message":"Java heap space","blame":"resources"}',
    );
    assert.deepEqual(note, { reason: 'OutOfMemoryError: Java heap space', blame: 'resources', outOfMemory: true });
    assert.equal(readFailureNote('half a no'), undefined);
  });

  it('concludes nothing from a text without exceptions', () => {
    assert.equal(classifyFailure('all is well\nINFO done: 3 rows'), undefined);
    assert.equal(lastLines('a\n\nb\nc\nd\n'), 'b | c | d');
  });

  it('keeps reasons short', () => {
    assert.ok((classifyFailure(`java.lang.IllegalStateException: ${'x'.repeat(5_000)}`)?.reason.length ?? 0) <= 600);
  });
});
