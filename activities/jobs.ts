/** Engine jobs: intent, submit, observe, cancel and settle; every step may be repeated and finds its own job again. */
import { isTerminal } from '../engines/job-state.js';
import type { EngineName, EnginePort, Observation } from '../engines/port.js';
import { SluiceError } from '../infra/errors.js';
import {
  acknowledge,
  getEngineJob,
  insertIntent,
  markSettled,
  recordObservation,
  type EngineJobRow,
} from '../infra/postgres/engine-jobs.js';
import { insertLineage } from '../infra/postgres/outbox.js';
import { inTransaction } from '../infra/postgres/pool.js';
import { installationId } from '../infra/postgres/runs.js';
import type { JobActivities, JobSnapshot } from '../workflows/contracts/activities.js';
import { whileBeating } from './beating.js';
import type { ActivityDeps } from './deps.js';
import { handleOf } from './job-handle.js';
import { startEvent, settleEvent, submissionFacts } from './lineage/submissions.js';
import { isGone } from './orphan-book.js';
import { takeOverOrphans } from './orphaned-streams.js';
import { provenResult } from './proof-of-stage.js';
import { toSnapshot } from './snapshot.js';
import { stopWithSavepoint } from './savepoint-stop.js';
import { decideSubmission } from './submission.js';
import { JOB_CHANNEL } from './watch-wake-up.js';

export function createJobActivities(deps: ActivityDeps): JobActivities {
  const rowOf = async (key: string): Promise<EngineJobRow> => {
    const row = await getEngineJob(deps.pool, key);
    if (!row) throw new SluiceError('INVALID_REQUEST', `no submission ${key} is known: prepare it first`);
    return row;
  };
  const portOf = (row: EngineJobRow): EnginePort => deps.engine(row.engine as EngineName, row.cluster);

  /** Stores what the engine answered as seen by the owner itself; a terminal row stays as it is. */
  const store = async (row: EngineJobRow, seen: Observation, submitted: boolean): Promise<JobSnapshot> => {
    const stored = await recordObservation(
      deps.pool,
      row.key,
      { ...seen, terminal: isTerminal(seen.state) },
      { acknowledge: true, submitted },
    );
    return toSnapshot(deps.pool, stored ?? (await rowOf(row.key)));
  };

  return {
    async prepareSubmission(request) {
      const installation = await installationId(deps.pool);
      const { bucket, kafkaBrokers } = deps.settings;
      const { key, tag, spec } = decideSubmission(request, { installation, bucket, kafkaBrokers, nowMs: deps.now() });
      const { target, owner, submission } = request;
      await inTransaction(deps.pool, async (client) => {
        const { facts, lineageRunId } = await submissionFacts(client, deps.settings, request, installation);
        const isNew = await insertIntent(client, {
          key,
          tag,
          spec,
          facts,
          lineageRunId,
          engine: spec.engine,
          cluster: spec.cluster,
          kind: target.kind,
          pipeline: target.kind === 'stage' ? target.run.pipeline : target.stream.pipeline,
          part: target.kind === 'stage' ? target.stage.name : target.stream.stream,
          ...(target.kind === 'stage' ? { partition: target.run.partition } : { generation: target.generation }),
          ownerWorkflowId: owner.workflowId,
          ownerFirstRunId: owner.firstRunId,
          submission,
        });
        if (isNew) await insertLineage(client, [startEvent(target.kind, facts, deps)]);
      });
      return toSnapshot(deps.pool, await rowOf(key));
    },

    async submitJob({ key }) {
      const row = await rowOf(key);
      if (row.ended_at !== null) return toSnapshot(deps.pool, row);
      await deps.temporal.ensureWatcher(row.engine as EngineName, row.cluster);
      const seen = await whileBeating(`submit ${key}`, async (signal) => {
        // What the engine took once is only looked at: an engine that lost its memory would take the same key again.
        if (row.submitted_at !== null) return portOf(row).observe(handleOf(row), signal);
        const ready = row.kind === 'stream' ? await takeOverOrphans(deps, portOf(row), row, signal) : row;
        signal.throwIfAborted();
        return portOf(row).submit(handleOf(ready).spec, key, signal);
      });
      const snapshot = await store(row, seen, true);
      await deps.pool.query('select pg_notify($1, $2)', [JOB_CHANNEL, row.cluster]);
      return snapshot;
    },

    async acknowledgeJob({ key }) {
      const row = await acknowledge(deps.pool, key);
      if (!row) throw new SluiceError('INVALID_REQUEST', `no submission ${key} is known`);
      return toSnapshot(deps.pool, row);
    },

    async askJob({ key }) {
      const row = await rowOf(key);
      if (row.ended_at !== null) return toSnapshot(deps.pool, row);
      await deps.temporal.ensureWatcher(row.engine as EngineName, row.cluster);
      const seen = await whileBeating(`ask ${key}`, (signal) => portOf(row).observe(handleOf(row), signal));
      return store(row, seen, false);
    },

    async cancelJob({ key, how }) {
      const row = await rowOf(key);
      // What an engine has forgotten it may remember; everything else that has ended is over.
      if (row.ended_at !== null && row.state !== 'lost') return toSnapshot(deps.pool, row);
      const seen = await whileBeating(`cancel ${key}`, (signal) =>
        how === 'savepoint-and-stop'
          ? stopWithSavepoint(portOf(row), handleOf(row), signal)
          : portOf(row).cancel(handleOf(row), signal),
      );
      // The row of a lost job keeps its end; that the engine has the job after all must not be kept from its owner.
      if (row.state === 'lost' && !isTerminal(seen.state) && !isGone(seen)) {
        return toSnapshot(deps.pool, { ...row, state: seen.state, native_state: seen.nativeState });
      }
      return store(row, seen, false);
    },

    async settleJob({ key, outcome, reason, submissions }) {
      const row = await rowOf(key);
      const result =
        outcome === 'succeeded' && row.kind === 'stage' ? await provenResult(deps.objects, row, submissions) : null;
      if (outcome === 'succeeded' && row.kind === 'stage' && !result) return null;
      await inTransaction(deps.pool, async (client) => {
        if (await markSettled(client, key, outcome)) {
          await insertLineage(client, [settleEvent(row, outcome, reason, deps)]);
        }
      });
      return result;
    },
  };
}
