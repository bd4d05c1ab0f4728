/** Events made from facts: valid by the specification, the same on a retry, different on a rerun, complete every time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { validateEvent, type RunEvent } from 'openlineage-client';
import { closingEvent } from '../../../activities/lineage/close.js';
import { pipelineRunEvent, publishEvent, stageEvent, streamEvent } from '../../../activities/lineage/events.js';
import { pipelineRunId, publishRunId, stageRunId, streamRunId } from '../../../activities/lineage/ids.js';
import { DEFAULT_LINEAGE_SETTINGS } from '../../../activities/lineage/settings.js';
import { endingTransition, type Transition } from '../../../activities/lineage/transitions.js';
import { loadSpec, skipWithoutSpec } from '../../../infra/openlineage-client/test/spec-schemas.js';
import { AT, publishFacts, runFacts, stageFacts, streamFacts } from './samples.js';

const FAILURE = { message: 'Spark driver failed: java.lang.IllegalStateException', language: 'Java' };
const TRANSITIONS: Transition[] = [
  { type: 'START', at: AT },
  { type: 'RUNNING', at: AT },
  { type: 'COMPLETE', at: AT },
  { type: 'FAIL', at: AT, failure: FAILURE },
  { type: 'ABORT', at: AT },
];

function allEvents(): RunEvent[] {
  const parent = { runId: stageRunId(stageFacts()), jobName: 'backfill.top-sales-per-city' };
  return TRANSITIONS.flatMap((transition) => [
    pipelineRunEvent(transition, runFacts()),
    pipelineRunEvent(transition, runFacts({ parent })),
    stageEvent(transition, stageFacts()),
    stageEvent(transition, stageFacts(), {
      ...DEFAULT_LINEAGE_SETTINGS,
      sourceUrl: 'https://git.example.test/tree/1/',
    }),
    stageEvent(transition, stageFacts({ engine: { name: 'flink' }, columnLineage: [] })),
    publishEvent(transition, publishFacts()),
    publishEvent(transition, publishFacts({ overwrite: false })),
    streamEvent(transition, streamFacts()),
  ]);
}

describe('every event', () => {
  it('follows the published JSON schemas', { skip: skipWithoutSpec }, () => {
    const spec = loadSpec();
    for (const event of allEvents()) assert.deepEqual(spec.problemsOf(event), [], event.job.name);
  });

  it('follows the client’s own schemas', () => {
    for (const event of allEvents()) assert.deepEqual(validateEvent(JSON.parse(JSON.stringify(event))), { ok: true });
  });

  it('carries inputs and outputs, whatever happened', () => {
    for (const event of allEvents()) {
      assert.ok(event.inputs.length > 0 && event.outputs.length > 0, `${event.job.name} ${event.eventType}`);
    }
  });

  it('holds no credential of a connection string', () => {
    assert.doesNotMatch(JSON.stringify(allEvents()), /s3cr3t|u:|sslmode/);
  });

  it('names the same dataset in the stage that writes it and in the publish that reads it', () => {
    const [written] = stageEvent(TRANSITIONS[0]!, stageFacts()).outputs;
    const [read] = publishEvent(TRANSITIONS[0]!, publishFacts()).inputs;
    assert.deepEqual([written?.namespace, written?.name], [read?.namespace, read?.name]);
  });
});

describe('run, job and parent (L1)', () => {
  const events = [stageEvent(TRANSITIONS[0]!, stageFacts()), stageEvent(TRANSITIONS[2]!, stageFacts())];

  it('are the same in START and COMPLETE of a submission', () => {
    const [start, complete] = events;
    assert.equal(start?.run.runId, complete?.run.runId);
    assert.deepEqual(start?.job, complete?.job);
    assert.equal(start?.job.namespace, 'sluice');
    assert.equal(start?.job.name, 'top-sales-per-city.daily');
    assert.deepEqual(start?.run.facets?.parent, complete?.run.facets?.parent);
    assert.equal(start?.run.facets?.parent?.run.runId, pipelineRunId(runFacts()));
    assert.equal(start?.run.facets?.parent?.job.name, 'top-sales-per-city');
    assert.deepEqual(start?.run.facets?.parent?.root?.run, start?.run.facets?.parent?.run);
  });

  it('repeat exactly when an activity makes them again', () => {
    assert.deepEqual(allEvents(), allEvents());
  });

  it('have new ids after a rerun and after a resubmission, in every kind of run', () => {
    const rerun = runFacts({ firstRunId: '0194c1a0-0000-7000-8000-00000000000f' });
    const ids = [
      pipelineRunId(runFacts()),
      pipelineRunId(rerun),
      stageRunId(stageFacts()),
      stageRunId(stageFacts({ job: { ...stageFacts().job, firstRunId: 'rerun' } })),
      stageRunId(stageFacts({ submission: 2 })),
      stageRunId(stageFacts({ stage: 'performance' })),
      publishRunId(publishFacts()),
      publishRunId(publishFacts({ run: rerun })),
      publishRunId(publishFacts({ attempt: 2 })),
      publishRunId(publishFacts({ table: 'daily' })),
      streamRunId(streamFacts()),
      streamRunId(streamFacts({ generation: 2 })),
      streamRunId(streamFacts({ submission: 2 })),
      streamRunId(streamFacts({ installation: 'i-2' })),
      streamRunId(streamFacts({ firstRunId: 'started anew' })),
    ];
    assert.equal(new Set(ids).size, ids.length);
  });

  it('do not depend on the execution that a reset makes', () => {
    assert.equal(stageRunId(stageFacts({ run: runFacts({ runId: 'other' }) })), stageRunId(stageFacts()));
  });

  it('point to the outermost run as root when a backfill started the run', () => {
    const parent = { runId: pipelineRunId({ workflowId: 'backfill/x', firstRunId: 'y' }), jobName: 'backfill.x' };
    const run = runFacts({ parent });
    const facet = stageEvent(TRANSITIONS[0]!, stageFacts({ run })).run.facets?.parent;
    assert.equal(facet?.run.runId, pipelineRunId(run));
    assert.equal(facet?.root?.run.runId, parent.runId);
    assert.equal(pipelineRunEvent(TRANSITIONS[0]!, run).run.facets?.parent?.run.runId, parent.runId);
  });
});

describe('the last event (L2)', () => {
  it('is COMPLETE only for success, ABORT for what a person ended, FAIL for the rest', () => {
    const types = (['succeeded', 'cancelled', 'terminated', 'failed', 'timed-out', 'lost'] as const).map(
      (ending) => endingTransition(ending, AT, FAILURE).type,
    );
    assert.deepEqual(types, ['COMPLETE', 'ABORT', 'ABORT', 'FAIL', 'FAIL', 'FAIL']);
  });

  it('carries the error message of a failure, even when none was given', () => {
    const failed = stageEvent(endingTransition('failed', AT, FAILURE), stageFacts());
    assert.equal(failed.run.facets?.errorMessage?.message, FAILURE.message);
    assert.equal(failed.run.facets?.errorMessage?.programmingLanguage, 'Java');
    const silent = pipelineRunEvent(endingTransition('timed-out', AT), runFacts());
    assert.equal(silent.run.facets?.errorMessage?.message, 'timed-out');
    const complete = pipelineRunEvent(endingTransition('succeeded', AT), runFacts());
    assert.equal(complete.run.facets?.errorMessage, undefined);
  });

  it('names the check that stopped the run', () => {
    const failure = { message: '7 rows of 100 are bad', check: 'not_null(city)' };
    const event = pipelineRunEvent({ type: 'FAIL', at: AT, failure }, runFacts());
    assert.equal(event.run.facets?.errorMessage?.message, 'check not_null(city): 7 rows of 100 are bad');
  });

  it('has no credential in its message or stack trace', () => {
    const text = 'cannot reach postgres://loader:s3cr3t@db/curated with password=s3cr3t';
    const event = stageEvent({ type: 'FAIL', at: AT, failure: { message: text, stackTrace: text } }, stageFacts());
    assert.doesNotMatch(JSON.stringify(event), /s3cr3t/);
  });

  it('can be made from the START of a run that did not end itself', () => {
    const start = stageEvent(TRANSITIONS[0]!, stageFacts());
    const end = closingEvent(start, {
      type: 'ABORT',
      at: '2026-02-01T04:00:00.000Z',
      failure: { message: 'terminated' },
    });
    const { eventType, eventTime, run, ...rest } = end;
    assert.deepEqual([eventType, eventTime], ['ABORT', '2026-02-01T04:00:00.000Z']);
    assert.equal(run.runId, start.run.runId);
    assert.equal(run.facets?.errorMessage?.message, 'terminated');
    assert.deepEqual(rest, {
      producer: start.producer,
      schemaURL: start.schemaURL,
      job: start.job,
      inputs: start.inputs,
      outputs: start.outputs,
    });
  });
});

describe('facets', () => {
  it('of a stage tell interval, engine, engine id, code and columns', () => {
    const event = stageEvent(TRANSITIONS[0]!, stageFacts());
    assert.equal(event.run.facets?.nominalTime?.nominalStartTime, '1998-03-14T00:00:00Z');
    assert.equal(event.run.facets?.nominalTime?.nominalEndTime, '1998-03-15T00:00:00Z');
    assert.equal(event.run.facets?.processing_engine?.version, '4.3.0');
    assert.equal(event.run.facets?.externalQuery?.externalQueryId, 'driver-20260201030000-0001');
    assert.equal(event.job.facets?.sql?.query, 'select 1');
    assert.equal(event.job.facets?.jobType?.integration, 'SPARK');
    assert.equal(
      event.job.facets?.sourceCodeLocation?.url,
      'urn:sluice:source:pipelines/top-sales-per-city/daily.spark.sql',
    );
    assert.equal(event.outputs[0]?.facets?.columnLineage?.fields['sales']?.inputFields[0]?.field, 'amount');
    assert.equal(event.inputs[0]?.inputFacets?.inputStatistics?.rowCount, 10);
  });

  it('of a publish tell rows written, what was replaced, the checks and the columns', () => {
    const event = publishEvent(TRANSITIONS[2]!, publishFacts());
    assert.equal(event.job.name, 'top-sales-per-city.publish.city_sales_daily');
    assert.equal(event.outputs[0]?.outputFacets?.outputStatistics?.rowCount, 3);
    assert.equal(event.outputs[0]?.facets?.lifecycleStateChange?.lifecycleStateChange, 'OVERWRITE');
    assert.equal(event.outputs[0]?.facets?.schema?.fields?.[2]?.type, 'numeric(18,4)');
    assert.equal(Object.keys(event.outputs[0]?.facets?.columnLineage?.fields ?? {}).length, 3);
    const assertions = event.inputs[0]?.inputFacets?.dataQualityAssertions?.assertions ?? [];
    assert.deepEqual(
      assertions.map((a) => [a.assertion, a.success, a.severity]),
      [
        ['not_null', true, 'error'],
        ['reconcile', false, 'warn'],
      ],
    );
    const upsert = publishEvent(TRANSITIONS[2]!, publishFacts({ overwrite: false }));
    assert.equal(upsert.outputs[0]?.facets?.lifecycleStateChange, undefined);
  });

  it('of a stream say STREAMING and name topics', () => {
    const event = streamEvent({ type: 'RUNNING', at: AT }, streamFacts());
    assert.equal(event.job.name, 'top-sales-per-city.live');
    assert.equal(event.job.facets?.jobType?.processingType, 'STREAMING');
    assert.equal(event.job.facets?.jobType?.integration, 'KAFKA_STREAMS');
    assert.deepEqual([event.inputs[0]?.namespace, event.inputs[0]?.name], ['kafka://127.0.0.1:9092', 'sales.raw']);
  });
});
