/** Run ids of lineage: the same submission always has the same id, a resubmission or a rerun a new one. */
import { uuidV5 } from 'openlineage-client';
import type { Execution, PublishFacts, StageFacts, StreamFacts } from './facts.js';

/** Namespace of all ids; changing it would cut every open run's START from its end. */
const NAMESPACE = '6f1c4f6e-6d52-5c0e-9a4b-3d1f0b7c2a90';

export function pipelineRunId(run: Execution): string {
  return uuidV5(NAMESPACE, ['run', run.workflowId, run.firstRunId]);
}

export function stageRunId({ job, stage, submission }: Pick<StageFacts, 'job' | 'stage' | 'submission'>): string {
  return uuidV5(NAMESPACE, ['stage', job.workflowId, job.firstRunId, stage, submission]);
}

export function publishRunId(facts: Pick<PublishFacts, 'table' | 'attempt'> & { run: Execution }): string {
  return uuidV5(NAMESPACE, ['publish', facts.run.workflowId, facts.run.firstRunId, facts.table, facts.attempt ?? 1]);
}

/** A stream that was stopped and started anew counts generations and submissions from 1 again, hence the execution. */
export function streamRunId(
  facts: Pick<StreamFacts, 'installation' | 'workflowId' | 'firstRunId' | 'generation' | 'submission'>,
): string {
  const { installation, workflowId, firstRunId, generation, submission } = facts;
  return uuidV5(NAMESPACE, ['stream', installation, workflowId, firstRunId, generation, submission]);
}
