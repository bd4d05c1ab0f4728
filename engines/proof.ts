/** The two objects beside a submission's output that outlive the engine's memory: the claim (who works) and the manifest (it is done). */
import { z } from 'zod';
import type { ObjectStore } from './object-store.js';
import type { JobSpec } from './port.js';

const claimSchema = z.object({ driverId: z.string().min(1), appId: z.string().optional() });
export type Claim = z.infer<typeof claimSchema>;

export interface ProofReader {
  /** The driver that may work for this submission; undefined while nobody has claimed it, or when the job keeps no output here. */
  claim(spec: JobSpec): Promise<Claim | undefined>;
  /** Whether the submission finished: the manifest is written last. */
  finished(spec: JobSpec): Promise<boolean>;
}

export function createProofReader(objects: ObjectStore | undefined): ProofReader {
  return {
    async claim(spec) {
      const url = besideOutput(spec, '_claim');
      const text = objects === undefined || url === undefined ? undefined : await objects.getText(url);
      return text === undefined ? undefined : readClaim(text);
    },
    async finished(spec) {
      const url = besideOutput(spec, '_manifest.json');
      return objects !== undefined && url !== undefined && (await objects.exists(url));
    },
  };
}

export function besideOutput(spec: JobSpec, name: string): string | undefined {
  return spec.outputPrefix === undefined ? undefined : `${spec.outputPrefix.replace(/\/+$/, '')}/${name}`;
}

/** A claim that cannot be read is treated as absent: it identifies nobody. */
function readClaim(text: string): Claim | undefined {
  try {
    const parsed = claimSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
