/** Starts what keeps a pipeline's live tables alive: its stream supervisors and the syncs of its result topics. */
import type { Pipeline } from '../pipelines/pipeline.js';
import type { Control } from './control.js';

/** `fresh` starts streams without the state that they left earlier. */
export async function startStreams(control: Control, pipeline: Pipeline, fresh = false): Promise<string[]> {
  const started: string[] = [];
  for (const [table, spec] of Object.entries(pipeline.curated)) {
    if (spec.mode === 'upsert' && (await control.ensureSync(pipeline.name, table))) started.push(`sync ${table}`);
  }
  for (const stream of Object.keys(pipeline.streams)) {
    if (await control.ensureStream(pipeline.name, stream, { fresh })) started.push(`${pipeline.name}/${stream}`);
  }
  return started;
}
