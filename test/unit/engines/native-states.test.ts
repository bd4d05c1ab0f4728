/** Every word an engine has for a state is in its table, and no unknown word ever ends a job. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FLINK_STATES, flinkState } from '../../../engines/flink/native-states.js';
import { isTerminal, JOB_STATES } from '../../../engines/job-state.js';
import { STREAMS_STATES, streamsState } from '../../../engines/kafka-streams/native-states.js';
import { SPARK_DRIVER_STATES, sparkDriverState, sparkJobState } from '../../../engines/spark/native-states.js';

const app = { id: 'app-1', name: 'x', active: true };

/** The engines' own lists, and which of them end a job. */
const LISTS = [
  {
    engine: 'Flink JobStatus',
    table: FLINK_STATES,
    all: 'INITIALIZING CREATED RUNNING FAILING FAILED CANCELLING CANCELED FINISHED RESTARTING SUSPENDED RECONCILING',
    ends: 'FAILED CANCELED FINISHED',
    state: (word: string) => flinkState(word, { total: 1, running: 1 }, false),
  },
  {
    engine: 'Spark DriverState',
    table: SPARK_DRIVER_STATES,
    all: 'SUBMITTED RUNNING FINISHED RELAUNCHING UNKNOWN KILLED FAILED ERROR NOT_FOUND',
    ends: 'FINISHED KILLED FAILED ERROR',
    state: sparkDriverState,
  },
  {
    engine: 'KafkaStreams.State',
    table: STREAMS_STATES,
    all: 'CREATED REBALANCING RUNNING PENDING_SHUTDOWN NOT_RUNNING PENDING_ERROR ERROR',
    ends: 'ERROR',
    state: (word: string) => streamsState(word, false),
  },
] as const;

describe('native states', () => {
  for (const { engine, table, all, ends, state } of LISTS) {
    it(`${engine}: the table is total, and only the final words are terminal`, () => {
      assert.deepEqual(Object.keys(table).sort(), all.split(' ').sort());
      for (const word of all.split(' ')) {
        assert.ok(state(word) in JOB_STATES, word);
        assert.equal(isTerminal(state(word)), ends.split(' ').includes(word), word);
      }
    });

    it(`${engine}: a word nobody has heard of is unknown, and goes on`, () => {
      for (const word of ['', 'FINISHED_MAYBE', 'toString', 'constructor', '__proto__']) {
        assert.equal(state(word), 'unknown', word);
      }
    });
  }

  it('Flink: RUNNING without a running task is starting, or starting over', () => {
    const scheduled = { total: 2, scheduled: 2 };
    assert.equal(flinkState('RUNNING', scheduled, false), 'starting');
    assert.equal(flinkState('RUNNING', { total: 2, initializing: 2 }, false), 'starting');
    assert.equal(flinkState('RUNNING', scheduled, true), 'restarting');
    assert.equal(flinkState('RUNNING', { total: 2, finished: 1, scheduled: 1 }, false), 'running');
  });

  it('Spark: a driver that runs is no progress until its application has an executor', () => {
    assert.equal(sparkJobState('RUNNING', undefined, false), 'starting');
    assert.equal(sparkJobState('RUNNING', { ...app, state: 'WAITING', cores: 0 }, false), 'starting');
    assert.equal(sparkJobState('RUNNING', { ...app, state: 'WAITING', cores: 0 }, true), 'restarting');
    assert.equal(sparkJobState('RUNNING', { ...app, state: 'RUNNING', cores: 2 }, false), 'running');
    assert.equal(sparkJobState('RUNNING', { ...app, active: false, state: 'FINISHED', cores: 0 }, false), 'running');
    assert.equal(sparkJobState('RELAUNCHING', undefined, false), 'restarting');
  });

  it('Kafka Streams: rebalancing is part of starting, later of running', () => {
    assert.equal(streamsState('REBALANCING', false), 'starting');
    assert.equal(streamsState('REBALANCING', true), 'running');
  });
});
