/** Which jobs have an owner that is certainly closed; the visibility store only rules out, Temporal itself decides. */
import { newestChains, runHasEnded, type OpenJob } from '../infra/postgres/reconcile.js';
import type { ActivityDeps, OwnerState } from './deps.js';

export interface Suspect {
  key: string;
  /** How its owner ended. */
  state: Exclude<OwnerState, 'open'>;
  /** Another chain of its owner's id has submitted since: the owner has a successor. */
  hasSuccessor: boolean;
}

type Deps = Pick<ActivityDeps, 'temporal' | 'pool'>;

/** Throws when Temporal does not answer: then nothing is known of anybody. */
export async function findClosedOwners(
  deps: Deps,
  jobs: readonly OpenJob[],
): Promise<{ closed: Suspect[]; opened: OpenJob[] }> {
  const listed = jobs.length === 0 ? new Set<string>() : await deps.temporal.openOwners();
  const newest = await newestChains(deps.pool, [...new Set(jobs.map((job) => job.owner_workflow_id))]);
  const asked = new Map<string, OwnerState>();
  const closed: Suspect[] = [];
  const opened: OpenJob[] = [];
  for (const job of jobs) {
    const state = await stateOf(job);
    if (state === 'open') opened.push(job);
    else
      closed.push({ key: job.key, state, hasSuccessor: newest.get(job.owner_workflow_id) !== job.owner_first_run_id });
  }
  return { closed, opened };

  async function stateOf(job: OpenJob): Promise<OwnerState> {
    const id = job.owner_workflow_id;
    // An open chain of that id is listed: it is the owner of the newest job, older jobs may be those of earlier chains.
    if (listed.has(id) && newest.get(id) === job.owner_first_run_id) return 'open';
    const pair = `${id}\n${job.owner_first_run_id}`;
    let state = asked.get(pair);
    if (state === undefined) {
      state = await deps.temporal.ownerState({ workflowId: id, firstRunId: job.owner_first_run_id });
      asked.set(pair, state);
    }
    // Past retention Temporal knows nothing; only our own book can say that it ended, or that a pass has seen it closed.
    if (state !== 'not-found' || job.settled !== null || job.orphan_passes > 0) return state;
    return (await runHasEnded(deps.pool, job)) ? state : 'open';
  }
}
