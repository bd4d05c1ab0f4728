/** Pure functions from facts to OpenLineage run events: pipeline runs, stage submissions, publishes and streams. */
import {
  documentationJobFacet,
  externalQueryRunFacet,
  jobTypeJobFacet,
  nominalTimeRunFacet,
  ownershipJobFacet,
  parentRunFacet,
  processingEngineRunFacet,
  runEvent,
  sourceCodeLocationJobFacet,
  sqlJobFacet,
  type JobFacets,
  type ParentRunFacet,
  type RunEvent,
  type RunFacets as EventRunFacets,
} from 'openlineage-client';
import { inputDataset, outputDataset, sameColumns } from './datasets.js';
import { failureFacet } from './failure.js';
import type { CodeFacts, EngineFacts, JobFacts, PublishFacts, RunFacts, StageFacts, StreamFacts } from './facts.js';
import { pipelineRunId, publishRunId, stageRunId, streamRunId } from './ids.js';
import { redact } from './redact.js';
import { DEFAULT_LINEAGE_SETTINGS, SLUICE_VERSION, type LineageSettings } from './settings.js';
import { sluiceRunFacet } from './sluice-facet.js';
import type { Transition } from './transitions.js';

/** SQL text in an event is cut after this; the whole of it stands in the repository. */
const MAX_SQL_CHARS = 64_000;

export function pipelineRunEvent(
  transition: Transition,
  facts: RunFacts,
  settings: LineageSettings = DEFAULT_LINEAGE_SETTINGS,
): RunEvent {
  const { producer, namespace } = settings;
  return event(transition, settings, {
    runId: pipelineRunId(facts),
    jobName: facts.pipeline,
    run: {
      ...(facts.parent === undefined ? {} : { parent: givenParent(settings, facts.parent) }),
      ...runFacets(settings, facts, { name: 'sluice' }),
    },
    job: jobFacets(producer, facts, { processingType: 'BATCH', integration: 'SLUICE', jobType: 'PIPELINE' }),
    inputs: facts.inputs.map((dataset) => inputDataset(producer, dataset)),
    outputs: facts.outputs.map((dataset) => outputDataset(producer, dataset)),
    namespace,
  });
}

/** One OpenLineage run per submission: a resubmitted stage is a new run of the same job under the same parent. */
export function stageEvent(
  transition: Transition,
  facts: StageFacts,
  settings: LineageSettings = DEFAULT_LINEAGE_SETTINGS,
): RunEvent {
  const { producer, namespace } = settings;
  const columns = facts.columnLineage ?? [];
  return event(transition, settings, {
    runId: stageRunId(facts),
    jobName: `${facts.run.pipeline}.${facts.stage}`,
    run: {
      parent: pipelineParent(settings, facts.run),
      ...runFacets(settings, facts.run, facts.engine, facts.submission),
    },
    job: {
      ...jobFacets(producer, facts, {
        processingType: 'BATCH',
        integration: integration(facts.engine),
        jobType: 'JOB',
      }),
      ...codeFacets(settings, facts),
    },
    inputs: facts.inputs.map((dataset) => inputDataset(producer, dataset)),
    outputs: facts.outputs.map((dataset) =>
      outputDataset(producer, dataset, { columnLineage: columnsOf(dataset.fields, columns) }),
    ),
    namespace,
  });
}

/** The write of a stage's output into its curated table, with the results of the checks before it. */
export function publishEvent(
  transition: Transition,
  facts: PublishFacts,
  settings: LineageSettings = DEFAULT_LINEAGE_SETTINGS,
): RunEvent {
  const { producer, namespace } = settings;
  const job = { owner: facts.run.owner, description: `Publishes ${facts.table} of ${facts.run.pipeline}.` };
  return event(transition, settings, {
    runId: publishRunId(facts),
    jobName: `${facts.run.pipeline}.publish.${facts.table}`,
    run: {
      parent: pipelineParent(settings, facts.run),
      ...runFacets(settings, facts.run, { name: 'sluice' }, facts.attempt ?? 1),
    },
    job: jobFacets(producer, job, { processingType: 'BATCH', integration: 'SLUICE', jobType: 'TASK' }),
    inputs: [inputDataset(producer, facts.input, facts.quality)],
    outputs: [
      outputDataset(producer, facts.output, {
        overwrite: facts.overwrite,
        columnLineage: facts.columnLineage ?? sameColumns(facts.input, facts.output),
      }),
    ],
    namespace,
  });
}

/** A stream has no partition and no parent; each submission of each generation is a run of its own. */
export function streamEvent(
  transition: Transition,
  facts: StreamFacts,
  settings: LineageSettings = DEFAULT_LINEAGE_SETTINGS,
): RunEvent {
  const { producer, namespace } = settings;
  const { workflowId, specHash, generation, submission } = facts;
  return event(transition, settings, {
    runId: streamRunId(facts),
    jobName: `${facts.pipeline}.${facts.stream}`,
    run: {
      ...engineFacets(producer, facts.engine),
      sluice_run: sluiceRunFacet.create(producer, { workflowId, specHash, generation, submission }),
    },
    job: {
      ...jobFacets(producer, facts, {
        processingType: 'STREAMING',
        integration: integration(facts.engine),
        jobType: 'JOB',
      }),
      ...codeFacets(settings, facts),
    },
    inputs: facts.inputs.map((dataset) => inputDataset(producer, dataset)),
    outputs: facts.outputs.map((dataset) => outputDataset(producer, dataset)),
    namespace,
  });
}

interface EventParts extends Pick<RunEvent, 'inputs' | 'outputs'> {
  namespace: string;
  runId: string;
  jobName: string;
  run: EventRunFacets;
  job: JobFacets;
}

function event(transition: Transition, settings: LineageSettings, parts: EventParts): RunEvent {
  const failure = 'failure' in transition ? transition.failure : undefined;
  return runEvent({
    eventType: transition.type,
    eventTime: transition.at,
    producer: settings.producer,
    run: {
      runId: parts.runId,
      facets: {
        ...parts.run,
        ...(failure === undefined ? {} : { errorMessage: failureFacet(settings.producer, failure) }),
      },
    },
    job: { namespace: parts.namespace, name: parts.jobName, facets: parts.job },
    inputs: parts.inputs,
    outputs: parts.outputs,
  });
}

function runFacets(settings: LineageSettings, run: RunFacts, engine: EngineFacts, submission?: number): EventRunFacets {
  const { producer } = settings;
  const { workflowId, runId: temporalRunId, specHash, trigger } = run;
  return {
    nominalTime: nominalTimeRunFacet.create(producer, {
      nominalStartTime: `${run.partition.from}T00:00:00Z`,
      nominalEndTime: `${run.partition.to}T00:00:00Z`,
    }),
    ...engineFacets(producer, engine),
    sluice_run: sluiceRunFacet.create(producer, { workflowId, temporalRunId, specHash, trigger, submission }),
  };
}

function engineFacets(producer: string, engine: EngineFacts): EventRunFacets {
  const own = engine.name === 'sluice';
  return {
    processing_engine: processingEngineRunFacet.create(producer, {
      name: engine.name,
      version: engine.version ?? (own ? SLUICE_VERSION : 'unknown'),
      openlineageAdapterVersion: SLUICE_VERSION,
    }),
    ...(engine.jobId === undefined
      ? {}
      : {
          externalQuery: externalQueryRunFacet.create(producer, {
            externalQueryId: engine.jobId,
            source: engine.cluster ?? engine.name,
          }),
        }),
  };
}

interface JobKind {
  processingType: 'BATCH' | 'STREAMING';
  integration: string;
  jobType: string;
}

function jobFacets(producer: string, facts: JobFacts, kind: JobKind): JobFacets {
  return {
    jobType: jobTypeJobFacet.create(producer, kind),
    ownership: ownershipJobFacet.create(producer, { owners: [{ name: `team:${facts.owner}`, type: 'OWNER' }] }),
    ...(facts.description === undefined
      ? {}
      : { documentation: documentationJobFacet.create(producer, { description: redact(facts.description) }) }),
  };
}

function codeFacets({ producer, sourceUrl }: LineageSettings, code: CodeFacts): JobFacets {
  const { sql, path, version } = code;
  return {
    ...(sql === undefined
      ? {}
      : { sql: sqlJobFacet.create(producer, { query: redact(sql.query, MAX_SQL_CHARS), dialect: sql.dialect }) }),
    ...(path === undefined
      ? {}
      : { sourceCodeLocation: sourceCodeLocationJobFacet.create(producer, sourceCode(sourceUrl, path, version)) }),
  };
}

function sourceCode(sourceUrl: string | undefined, path: string, version: string | undefined) {
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  if (sourceUrl === undefined) return { type: 'file', url: `urn:sluice:source:${encoded}`, path, version };
  return { type: 'git', url: `${sourceUrl.replace(/\/+$/, '')}/${encoded}`, path, version };
}

/** `kafka-streams` is `KAFKA_STREAMS` in the manner of the specification's own names. */
function integration(engine: EngineFacts): string {
  return engine.name.toUpperCase().replaceAll('-', '_');
}

function rootOf(run: RunFacts): { runId: string; jobName: string } {
  if (run.parent !== undefined) return run.parent.root ?? { runId: run.parent.runId, jobName: run.parent.jobName };
  return { runId: pipelineRunId(run), jobName: run.pipeline };
}

function pipelineParent(settings: LineageSettings, run: RunFacts): ParentRunFacet {
  return parent(settings, { runId: pipelineRunId(run), jobName: run.pipeline }, rootOf(run));
}

function givenParent(settings: LineageSettings, facts: NonNullable<RunFacts['parent']>): ParentRunFacet {
  return parent(settings, facts, facts.root ?? facts);
}

type RunRef = { runId: string; jobName: string };

function parent({ producer, namespace }: LineageSettings, direct: RunRef, root: RunRef): ParentRunFacet {
  const ref = ({ runId, jobName }: RunRef) => ({ run: { runId }, job: { namespace, name: jobName } });
  return parentRunFacet.create(producer, { ...ref(direct), root: ref(root) });
}

function columnsOf(fields: { name: string }[] | undefined, columns: NonNullable<StageFacts['columnLineage']>) {
  const names = new Set((fields ?? []).map((field) => field.name));
  return columns.filter(({ column }) => names.has(column));
}
