/** What the fake activities of one test know and do: its plan, its jobs, its switches, and every call that was made. */
import { ApplicationFailure } from '@temporalio/common';
import type { Client } from '@temporalio/client';
import type {
  ClaimResult,
  FinishRunInput,
  JobSnapshot,
  PrepareSubmissionInput,
} from '../../workflows/contracts/activities.js';
import type { CompareTablesResult, HeldPartition } from '../../workflows/contracts/curated.js';
import type { OwnerPair } from '../../workflows/contracts/ids.js';
import type { ReconcileInput, ReconcileReport } from '../../workflows/contracts/reconcile.js';
import type { JobStateName } from '../../workflows/contracts/plans.js';
import { until } from './workflow-until.js';
import { declaredPlan, stagePlan, streamPlan, type DeclaredPlan } from './workflow-plans.js';

const TERMINAL: ReadonlySet<JobStateName> = new Set(['succeeded', 'failed', 'cancelled', 'lost']);

export type JobChange = Partial<Omit<JobSnapshot, 'key' | 'observation' | 'state'>>;

/** What one submission does: its state in the answer to submit, then states that the watcher reports. */
export interface JobScript {
  answer?: JobStateName;
  answerMore?: JobChange;
  then?: readonly (JobStateName | [JobStateName, JobChange])[];
  /** A stage that ends well leaves a manifest unless this is false. */
  manifest?: boolean;
}

export interface FakeJob {
  readonly key: string;
  readonly owner: OwnerPair;
  readonly part: string;
  readonly submission: number;
  readonly request: PrepareSubmissionInput;
  snapshot: JobSnapshot;
  submits: number;
  asked: number;
  cancels: number;
  /** How the last cancel was to end it. */
  how?: string;
  acknowledged: number;
  settled: { outcome: string; reason?: string }[];
}

export type FaultyActivity =
  'prepareSubmission' | 'submitJob' | 'askJob' | 'cancelJob' | 'publishTable' | 'watchCluster' | 'reconcileCluster';
export type HeldActivity = 'prepareSubmission' | 'submitJob' | 'publishTable';

export const failure = (code: string, message: string, details: Record<string, unknown> = {}): ApplicationFailure =>
  ApplicationFailure.create({ type: code, message, nonRetryable: true, details: [details] });

/** A fault that passes. */
export const passing = (code: string, message: string): ApplicationFailure =>
  ApplicationFailure.create({ type: code, message });

export class FakeWorld {
  plan: DeclaredPlan = declaredPlan([stagePlan('daily')]);
  stream;
  /** Answers of claimPartition, in order; afterwards every claim is granted. */
  claims: (ClaimResult | Error)[] = [];
  lastTries: boolean[] = [];
  held: HeldPartition[] = [];
  comparison: Partial<CompareTablesResult> = {};
  /** Default: every job runs, then succeeds. */
  script: (part: string, submission: number) => JobScript = () => ({ then: ['succeeded'] });
  nextCheckMs = 600_000;
  /** Failures of these activities, in order; afterwards they work. */
  readonly faults = new Map<FaultyActivity, Error[]>();
  /** How a job ends that is cancelled; `running` = it does not. */
  cancelledAs: [JobStateName, JobChange] = ['cancelled', { reason: 'cancelled on request' }];
  /** What passes of reconcile were asked for, and what they report. */
  readonly reconciled: ReconcileInput[] = [];
  reconcileReport: Partial<ReconcileReport> = {};
  /** What the engine says of a lost job that it is to end; undefined = that it does not know it. */
  revivedAs: JobStateName | undefined;
  /** What the engine says when it is asked; default: what it said before. */
  onAsk: (job: FakeJob) => void = () => undefined;
  /** Activities that take until the test lets them go on, deaf to cancels. */
  readonly gates = new Map<HeldActivity, Promise<void>>();
  /** Ends of passes of `watchCluster` and `syncTopic` that come by themselves. */
  passesEndAtOnce = false;
  endPass: (() => void) | undefined;
  passes = 0;
  readonly jobs: FakeJob[] = [];
  readonly finished: FinishRunInput[] = [];
  /** Names of the activities called, in order. */
  readonly calls: string[] = [];

  constructor(
    readonly name: string,
    readonly client: () => Client,
  ) {
    this.stream = streamPlan(name);
  }

  job(part: string, submission = 1): Promise<FakeJob> {
    return until(`submission ${submission} of ${part}`, () =>
      this.jobs.find((job) => job.part === part && job.submission === submission && job.submits > 0),
    );
  }

  /** Changes a job's state without telling anybody. */
  change(job: FakeJob, state: JobStateName, more: JobChange = {}): void {
    if (TERMINAL.has(job.snapshot.state)) return;
    const { key, observation, nextCheckMs, engineJobId, link, restorePoint } = job.snapshot;
    job.snapshot = {
      key,
      nextCheckMs,
      ...(engineJobId === undefined ? {} : { engineJobId }),
      ...(link === undefined ? {} : { link }),
      ...(restorePoint === undefined ? {} : { restorePoint }),
      nativeState: state.toUpperCase(),
      ...more,
      state,
      observation: observation + 1,
    };
  }

  /** As the watcher does it: first the row, then the signal to its owner. */
  async become(job: FakeJob, state: JobStateName, more: JobChange = {}): Promise<void> {
    this.change(job, state, more);
    await this.signal(job, job.key, job.snapshot.observation);
  }

  async signal(job: FakeJob, key: string, observation: number): Promise<void> {
    const handle = this.client().workflow.getHandle(job.owner.workflowId);
    await handle.signal('jobChanged', { key, observation, state: job.snapshot.state });
  }

  /** Holds an activity up; the returned function lets it go on. */
  hold(activity: HeldActivity): () => void {
    let release = (): void => undefined;
    this.gates.set(activity, new Promise((resolve) => (release = resolve)));
    return release;
  }

  /** Throws the next failure that the test has laid out for this activity. */
  stumble(activity: FaultyActivity): void {
    const fault = this.faults.get(activity)?.shift();
    if (fault) throw fault;
  }

  count(activity: string): number {
    return this.calls.filter((name) => name === activity).length;
  }
}
