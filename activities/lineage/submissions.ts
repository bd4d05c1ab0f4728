/** Lineage of one submission, from its intent to its end. */
import type { RunEvent } from 'openlineage-client';
import type { EngineJobRow } from '../../infra/postgres/engine-jobs.js';
import type { PoolClient } from '../../infra/postgres/pool.js';
import type { PrepareSubmissionInput } from '../../workflows/contracts/activities.js';
import type { ActivityDeps, Settings } from '../deps.js';
import { stageEvent, streamEvent } from './events.js';
import type { RunFacts, StageFacts, StreamFacts } from './facts.js';
import { stageFacts, streamFacts } from './from-plans.js';
import { stageRunId, streamRunId } from './ids.js';
import { DEFAULT_LINEAGE_SETTINGS, type LineageSettings } from './settings.js';
import { endingTransition, type Transition } from './transitions.js';

type Kind = 'stage' | 'stream';
type Facts = StageFacts | StreamFacts;

export const lineageSettings = (settings: Pick<Settings, 'lineageNamespace'>): LineageSettings => ({
  ...DEFAULT_LINEAGE_SETTINGS,
  namespace: settings.lineageNamespace,
});

export async function submissionFacts(
  client: PoolClient,
  settings: Settings,
  request: PrepareSubmissionInput,
  installation: string,
): Promise<{ facts: Facts; lineageRunId: string }> {
  const { target, submission } = request;
  if (target.kind === 'stream') {
    const { stream, generation } = target;
    const at = { ...request.owner, installation, generation, submission, owner: stream.owner };
    const facts = streamFacts(settings, stream, at);
    return { facts, lineageRunId: streamRunId(facts) };
  }
  const { rows } = await client.query<{ facts: RunFacts }>(
    'select facts from control.run where workflow_id = $1 and first_run_id = $2',
    [target.run.workflowId, target.run.firstRunId],
  );
  const run = rows[0]?.facts;
  if (!run) throw new Error(`run ${target.run.workflowId} is not recorded`);
  const facts = stageFacts(settings, run, target.run, target.stage, request.owner, submission);
  return { facts, lineageRunId: stageRunId(facts) };
}

const eventOf = (kind: Kind, transition: Transition, facts: Facts, settings: LineageSettings): RunEvent =>
  kind === 'stage'
    ? stageEvent(transition, facts as StageFacts, settings)
    : streamEvent(transition, facts as StreamFacts, settings);

export function startEvent(kind: Kind, facts: Facts, deps: Pick<ActivityDeps, 'now' | 'settings'>): RunEvent {
  const at = new Date(deps.now()).toISOString();
  return eventOf(kind, { type: 'START', at }, facts, lineageSettings(deps.settings));
}

export function settleEvent(
  row: EngineJobRow,
  outcome: 'succeeded' | 'failed' | 'cancelled',
  reason: string | undefined,
  deps: Pick<ActivityDeps, 'now' | 'settings'>,
): RunEvent {
  const known = row.facts as unknown as Facts;
  const facts = { ...known, engine: { ...known.engine, ...(row.engine_job_id ? { jobId: row.engine_job_id } : {}) } };
  const at = new Date(deps.now()).toISOString();
  const failure = reason === undefined ? undefined : { message: reason };
  return eventOf(row.kind, endingTransition(outcome, at, failure), facts, lineageSettings(deps.settings));
}
