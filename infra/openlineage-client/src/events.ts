/** The three kinds of OpenLineage event, and builders that fill in what is the same in every one of them. */
import type { DatasetFacets } from './dataset-facets.js';
import type { InputDatasetFacets, OutputDatasetFacets } from './io-facets.js';
import type { JobFacets } from './job-facets.js';
import type { RunFacets } from './run-facets.js';

export const EVENT_TYPES = ['START', 'RUNNING', 'COMPLETE', 'ABORT', 'FAIL', 'OTHER'] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** The types of which a run gets exactly one, as its last event. */
export const TERMINAL_EVENT_TYPES = ['COMPLETE', 'ABORT', 'FAIL'] as const satisfies readonly EventType[];

export interface Run {
  runId: string;
  facets?: RunFacets | undefined;
}

export interface Job {
  namespace: string;
  name: string;
  facets?: JobFacets | undefined;
}

export interface Dataset {
  namespace: string;
  name: string;
  facets?: DatasetFacets | undefined;
}

export interface InputDataset extends Dataset {
  inputFacets?: InputDatasetFacets | undefined;
}

export interface OutputDataset extends Dataset {
  outputFacets?: OutputDatasetFacets | undefined;
}

interface BaseEvent {
  /** RFC 3339. */
  eventTime: string;
  producer: string;
  schemaURL: string;
}

export interface RunEvent extends BaseEvent {
  eventType: EventType;
  run: Run;
  job: Job;
  inputs: InputDataset[];
  outputs: OutputDataset[];
}

export interface JobEvent extends BaseEvent {
  job: Job;
  inputs: InputDataset[];
  outputs: OutputDataset[];
}

export interface DatasetEvent extends BaseEvent {
  dataset: Dataset;
}

export type OpenLineageEvent = RunEvent | JobEvent | DatasetEvent;

/** The version of the specification that events are written to. */
export const SPEC_VERSION = '2-0-2';

function schemaUrl(definition: string): string {
  return `https://openlineage.io/spec/${SPEC_VERSION}/OpenLineage.json#/$defs/${definition}`;
}

type Given<E extends BaseEvent> = Omit<E, 'schemaURL' | 'inputs' | 'outputs'>;

/** Inputs and outputs are required on purpose: several backends drop a graph when a last event comes without them. */
interface Datasets {
  inputs: InputDataset[];
  outputs: OutputDataset[];
}

export function runEvent(event: Given<RunEvent> & Datasets): RunEvent {
  return { ...event, schemaURL: schemaUrl('RunEvent') };
}

export function jobEvent(event: Given<JobEvent> & Datasets): JobEvent {
  return { ...event, schemaURL: schemaUrl('JobEvent') };
}

export function datasetEvent(event: Given<DatasetEvent>): DatasetEvent {
  return { ...event, schemaURL: schemaUrl('DatasetEvent') };
}

export function isRunEvent(event: OpenLineageEvent): event is RunEvent {
  return 'run' in event;
}

export function isTerminal(type: EventType): boolean {
  return (TERMINAL_EVENT_TYPES as readonly EventType[]).includes(type);
}
