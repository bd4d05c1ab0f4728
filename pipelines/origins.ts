/** Who writes what within one pipeline: the stage or stream behind a dataset, a topic and a curated table. */
import type { ParsedPipeline } from './schema.js';

/** First part of a dataset name that is no stage. */
export const LAKE = 'lake';

export function sourceTopic(source: string): string {
  return `${source}.raw`;
}

/** Stage and output that fill a batch table; undefined when `from` names none. */
export function batchOrigin(
  pipeline: ParsedPipeline,
  table: string,
  from: string,
): { stage: string; output: string } | undefined {
  const [stage, named] = from.split('/') as [string, string | undefined];
  const outputs = Object.keys(pipeline.stages[stage]?.outputs ?? {});
  const output = named ?? (outputs.includes(table) ? table : outputs.length === 1 ? outputs[0] : undefined);
  return output !== undefined && outputs.includes(output) ? { stage, output } : undefined;
}

/** Stream and output that write a topic. */
export function streamOrigin(pipeline: ParsedPipeline, topic: string): { stream: string; output: string } | undefined {
  for (const [stream, { outputs }] of Object.entries(pipeline.streams)) {
    const found = Object.entries(outputs).find(([, output]) => output.topic === topic);
    if (found) return { stream, output: found[0] };
  }
  return undefined;
}
