/** Run ids of lineage: the same submission always has the same id, a resubmission or a rerun a new one. */
import { uuidV5 } from 'openlineage-client';
import type { PublishFacts, RunIdentity, StageFacts, StreamFacts } from './facts.js';

/** Namespace of all ids; changing it would cut every open run's START from its end. */
const NAMESPACE = '6f1c4f6e-6d52-5c0e-9a4b-3d1f0b7c2a90';

/** Stage names hold no dots, so the run itself and a publish can never have the id of a stage. */
export function pipelineRunId(run: Pick<RunIdentity, 'workflowId' | 'firstRunId'>): string {
  return uuidV5(NAMESPACE, ['run', run.workflowId, run.firstRunId]);
}

export function stageRunId(facts: Pick<StageFacts, 'stage' | 'submission'> & { run: RunIdentity }): string {
  return uuidV5(NAMESPACE, ['stage', facts.run.workflowId, facts.run.firstRunId, facts.stage, facts.submission]);
}

export function publishRunId(facts: Pick<PublishFacts, 'table' | 'attempt'> & { run: RunIdentity }): string {
  return uuidV5(NAMESPACE, ['publish', facts.run.workflowId, facts.run.firstRunId, facts.table, facts.attempt ?? 1]);
}

export function streamRunId(
  facts: Pick<StreamFacts, 'installation' | 'pipeline' | 'stream' | 'generation' | 'submission'>,
): string {
  const { installation, pipeline, stream, generation, submission } = facts;
  return uuidV5(NAMESPACE, ['stream', installation, pipeline, stream, generation, submission]);
}
