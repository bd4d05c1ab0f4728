/** A run's frame: resolve the request, claim its days, record how it ended. */
import { SluiceError } from '../infra/errors.js';
import { releaseClaims, takeClaims } from '../infra/postgres/claims.js';
import { insertLineage, openLineageRuns } from '../infra/postgres/outbox.js';
import { inTransaction } from '../infra/postgres/pool.js';
import { closeRun, insertRun } from '../infra/postgres/runs.js';
import { closingEvent, type ClosingTransition } from './lineage/close.js';
import { pipelineRunEvent } from './lineage/events.js';
import type { RunFacts } from './lineage/facts.js';
import { runFacts } from './lineage/from-plans.js';
import { pipelineRunId } from './lineage/ids.js';
import { lineageSettings } from './lineage/submissions.js';
import { endingTransition, type Transition } from './lineage/transitions.js';
import type { RunActivities } from '../workflows/contracts/activities.js';
import { deathBy, endDeadRuns } from './dead-runs.js';
import type { ActivityDeps, OwnerState } from './deps.js';
import { planOfRun } from './plan-of-run.js';
import { readRunRequest } from './requests.js';
import { refuseEmptyDay } from './source-days.js';

/** A part that is still open when its run ends was broken off, even if the run itself went well. */
const broken = (transition: Transition): ClosingTransition =>
  transition.type === 'FAIL' || transition.type === 'ABORT'
    ? transition
    : { type: 'ABORT', at: transition.at, failure: { message: 'left open when its run ended' } };

export function createRunActivities(deps: ActivityDeps): RunActivities {
  const at = (): string => new Date(deps.now()).toISOString();

  return {
    async resolveRun({ input, owner, runId }) {
      const { pipelinesDir, clusters } = deps.settings;
      const request = await readRunRequest(input, { pipelinesDir, nowMs: deps.now() });
      await refuseEmptyDay(deps.pool, request);
      const lineageRunId = pipelineRunId(owner);
      const plan = planOfRun(request, { ...owner, runId, lineageRunId }, clusters);
      const facts = runFacts(deps.settings, plan);
      await inTransaction(deps.pool, async (client) => {
        const { run } = plan;
        const isNew = await insertRun(client, { ...run, facts });
        if (isNew) {
          const start = pipelineRunEvent({ type: 'START', at: at() }, facts, lineageSettings(deps.settings));
          await insertLineage(client, [start]);
        }
      });
      return plan;
    },

    async claimPartition({ run, lastTry }) {
      const owner = { workflowId: run.workflowId, firstRunId: run.firstRunId };
      const endings = new Map<string, OwnerState>();
      const claim = { pipeline: run.pipeline, from: run.from, to: run.to, owner };
      const taken = await takeClaims(deps.pool, {
        ...claim,
        isOwnerClosed: async (other) => {
          const state = await deps.temporal.ownerState(other);
          endings.set(other.workflowId, state);
          return state !== 'open';
        },
        // A terminated run cannot close its own book: whoever takes its days over does it, and for all that it left open.
        onTakenOver: async (client, owners) => {
          for (const dead of owners) {
            const state = endings.get(dead.workflowId) ?? 'closed';
            const message = `closed (${state}) before it could record its end; its days were taken over by ${run.workflowId}`;
            await endDeadRuns(client, [dead], { state: deathBy(state), message, at: at() });
          }
        },
      });
      if (taken.granted) return { granted: true, fence: taken.fence };
      const { busyWith, firstBusyDay, busyPartition } = taken;
      const sameShape = (busyPartition ?? '').includes('/') === run.partition.includes('/');
      if (sameShape) {
        throw new SluiceError(
          'ALREADY_RUNNING',
          `ALREADY_RUNNING ${busyWith.workflowId}: it holds ${firstBusyDay} of ${run.pipeline}`,
        );
      }
      if (lastTry) {
        throw new SluiceError(
          'PARTITION_BUSY',
          `PARTITION_BUSY: ${busyWith.workflowId} still holds ${firstBusyDay} of ${run.pipeline}`,
        );
      }
      return { granted: false, busyWith: busyWith.workflowId, firstBusyDay };
    },

    async finishRun({ run, outcome, message, failedCheck, verdict }) {
      const owner = { workflowId: run.workflowId, firstRunId: run.firstRunId };
      await inTransaction(deps.pool, async (client) => {
        const facts = await closeRun(client, owner, { state: outcome, message, verdict });
        await releaseClaims(client, owner);
        if (!facts) return;
        const failure =
          message === undefined ? undefined : { message, ...(failedCheck === undefined ? {} : { check: failedCheck }) };
        const transition = endingTransition(outcome, at(), failure);
        // Whatever began below this run and has no end yet ends with it, before the run itself does.
        const open = (await openLineageRuns(client, run.lineageRunId)).filter(
          (start) => start.run.runId !== run.lineageRunId,
        );
        await insertLineage(client, [
          ...open.map((start) => closingEvent(start, broken(transition))),
          pipelineRunEvent(transition, facts as unknown as RunFacts, lineageSettings(deps.settings)),
        ]);
      });
    },
  };
}
