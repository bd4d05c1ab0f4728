/** Starts what keeps a pipeline's live tables alive: its stream supervisors and the syncs of its result topics. */
import type { Pipeline } from '../pipelines/pipeline.js';
import type { Control } from './control.js';

export async function startStreams(control: Control, pipeline: Pipeline): Promise<string[]> {
  const started: string[] = [];
  for (const [table, spec] of Object.entries(pipeline.curated)) {
    if (spec.mode === 'upsert' && (await control.ensureSync(pipeline.name, table))) started.push(`sync ${table}`);
  }
  for (const stream of Object.keys(pipeline.streams)) {
    if (await control.ensureStream(pipeline.name, stream)) started.push(`${pipeline.name}/${stream}`);
  }
  return started;
}
