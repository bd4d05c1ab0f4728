/** Reads a submission's manifest: the proof that its stage succeeded, and what it wrote. */
import { z } from 'zod';
import type { JobSpec } from '../engines/port.js';
import type { EngineJobRow } from '../infra/postgres/engine-jobs.js';
import type { ObjectStore } from '../infra/s3/object-store.js';
import type { StageResult } from '../workflows/contracts/plans.js';

const manifestSchema = z.object({
  key: z.string(),
  outputs: z.array(z.object({ name: z.string(), rows: z.number().int().nonnegative() })),
});

/** null when there is no manifest of this very submission: then the stage did not succeed, whatever the engine says. */
export async function provenResult(
  objects: ObjectStore,
  row: EngineJobRow,
  submissions: number,
): Promise<StageResult | null> {
  const spec = row.spec as unknown as JobSpec;
  const manifest = `${spec.outputPrefix ?? ''}_manifest.json`;
  const parsed = manifestSchema.safeParse(await objects.getJson(manifest));
  if (!parsed.success || parsed.data.key !== row.key) return null;
  return {
    stage: row.part,
    key: row.key,
    submissions,
    manifest,
    rows: Object.fromEntries(parsed.data.outputs.map((output) => [output.name, output.rows])),
    ...(row.engine_job_id ? { engineJobId: row.engine_job_id } : {}),
    ...(row.link ? { link: row.link } : {}),
  };
}
