/** Resolves streams and result-topic syncs from their declarations. */
import { SluiceError } from '../infra/errors.js';
import { ensureCuratedTable } from '../infra/postgres/curated-tables.js';
import { loadPipeline } from '../pipelines/load.js';
import { suggestion } from '../pipelines/nearest.js';
import { fillArgs } from '../pipelines/templates.js';
import type { StreamActivities } from '../workflows/contracts/activities.js';
import type { ActivityDeps } from './deps.js';

export function createStreamActivities(deps: ActivityDeps): StreamActivities {
  const { pipelinesDir, clusters } = deps.settings;
  return {
    async resolveStream({ pipeline: pipelineName, stream: name }) {
      const pipeline = await loadPipeline(pipelinesDir, pipelineName);
      const stream = pipeline.streams[name];
      if (!stream) {
        const known = Object.keys(pipeline.streams);
        throw new SluiceError('INVALID_REQUEST', `${pipelineName} has no stream '${name}'${suggestion(name, known)}`);
      }
      return {
        pipeline: pipelineName,
        stream: name,
        engine: stream.engine,
        cluster: clusters[stream.engine],
        specHash: stream.specHash,
        owner: pipeline.owner,
        job: {
          module: stream.job.module,
          mainClass: stream.job.mainClass,
          args: fillArgs(stream.args, { params: {} }),
          ...(stream.job.sql === undefined ? {} : { sql: stream.job.sql }),
        },
        inputs: Object.entries(stream.inputs).map(([input, { topic }]) => ({ name: input, topic })),
        outputs: Object.entries(stream.outputs).map(([output, { topic, schema }]) => ({
          name: output,
          topic,
          ...(schema ? { columns: schema } : {}),
        })),
        resources: stream.resources,
        upgrade: stream.upgrade,
        restart: stream.restart,
        startTimeoutMs: stream.startTimeoutMs,
        onCancel: stream.onCancel,
        onOrphan: stream.onOrphan,
      };
    },

    async resolveSync({ pipeline: pipelineName, table }) {
      const pipeline = await loadPipeline(pipelinesDir, pipelineName);
      const spec = pipeline.curated[table];
      if (spec?.mode !== 'upsert') {
        const known = Object.values(pipeline.curated).flatMap((one) => (one.mode === 'upsert' ? [one.table] : []));
        throw new SluiceError(
          'INVALID_REQUEST',
          `${pipelineName} has no stream table '${table}'${suggestion(table, known)}`,
        );
      }
      await ensureCuratedTable(deps.pool, spec);
      return {
        pipeline: pipelineName,
        table,
        topic: spec.topic,
        columns: spec.columns,
        key: spec.key,
        mode: 'upsert',
        ...(spec.replaceBy ? { replaceBy: spec.replaceBy } : {}),
      };
    },
  };
}
