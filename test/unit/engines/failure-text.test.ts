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
