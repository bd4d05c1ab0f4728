/** Which Spark driver is ours: the master chooses driver ids, so the answer lies in objects beside the output and in the ledger. */
import { z } from 'zod';
import { SluiceError } from '../../infra/errors.js';
import type { ObjectStore } from '../object-store.js';
import type { JobSpec } from '../port.js';
import { besideOutput, createProofReader } from '../proof.js';
import type { MasterView } from './client.js';

/** The control plane's record of engine jobs, as far as an adapter may ask it. */
export interface DriverLedger {
  /** Submission key by driver id, for those of the given ids that are recorded. */
  keysOf(driverIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** Stands in the claim of a submission that was cancelled before any driver claimed it: later drivers lose and do nothing. */
export const CANCELLED_CLAIM = 'cancelled';

/** Stands in the claim of a submission whose driver was lost before it claimed: it failed, and may not wake up to work. */
export const SHUT_OUT_CLAIM = 'shut-out';

const postedSchema = z.object({ atMs: z.number() });
const acceptedSchema = z.object({ driverId: z.string().min(1) });

/** Whether a claim's owner is no driver. */
export const isNobody = (owner: string): boolean => owner === CANCELLED_CLAIM || owner === SHUT_OUT_CLAIM;

export type SparkIdentity = ReturnType<typeof createSparkIdentity>;

export function createSparkIdentity(objects: ObjectStore, ledger?: DriverLedger) {
  const proof = createProofReader(objects);

  function beside(spec: JobSpec, name: string): string {
    const url = besideOutput(spec, name);
    if (url !== undefined) return url;
    throw new SluiceError(
      'CONFIG_INVALID',
      `${spec.name}: a Spark job needs an output prefix (s3://…/<key>/) for its claim`,
    );
  }

  async function read<S extends z.ZodType>(url: string, schema: S): Promise<z.infer<S> | undefined> {
    const text = await objects.getText(url);
    if (text === undefined) return undefined;
    try {
      return schema.safeParse(JSON.parse(text)).data;
    } catch {
      return undefined;
    }
  }

  const putOnce = (url: string, content: Record<string, string | number>): Promise<boolean> =>
    objects.putText(url, JSON.stringify(content), { ifNoneMatch: '*' });

  return {
    finished: (spec: JobSpec) => proof.finished(spec),
    claim: (spec: JobSpec) => proof.claim(spec),
    /** The failure that the job itself wrote down, if it came that far. */
    failureNote: (spec: JobSpec) => objects.getText(beside(spec, '_failure.json')),

    /** The driver to follow: who claimed, else who was accepted, as far as anybody knows. */
    async driverOf(spec: JobSpec, recorded?: string): Promise<string | undefined> {
      const claim = await proof.claim(spec);
      if (claim !== undefined && claim.driverId !== SHUT_OUT_CLAIM) return claim.driverId;
      return recorded ?? (await read(beside(spec, '_driver'), acceptedSchema))?.driverId;
    },

    /** Every driver that is known to have been posted for the submission. */
    async driversOf(spec: JobSpec, recorded?: string): Promise<string[]> {
      const claim = await proof.claim(spec);
      const accepted = await read(beside(spec, '_driver'), acceptedSchema);
      const ids = [claim?.driverId, recorded, accepted?.driverId];
      return [...new Set(ids)].filter((id): id is string => id !== undefined && !isNobody(id));
    },

    /** Whether this call is the first that ever posts for the submission; if not, when the first one said it would. */
    async markPost(spec: JobSpec, nowMs: number): Promise<{ first: true } | { first: false; atMs: number }> {
      const url = beside(spec, '_submission');
      if (await putOnce(url, { atMs: nowMs })) return { first: true };
      return { first: false, atMs: (await read(url, postedSchema))?.atMs ?? nowMs };
    },

    /** Keeps the id that the master answered, so that a caller that dies now loses nothing. */
    async recordAccepted(spec: JobSpec, driverId: string): Promise<void> {
      await putOnce(beside(spec, '_driver'), { driverId });
    },

    /** Claims for nobody, so that a driver that comes up later loses the claim and does nothing; false when one was faster. */
    claimForNobody: (spec: JobSpec, driverId: typeof CANCELLED_CLAIM | typeof SHUT_OUT_CLAIM) =>
      putOnce(beside(spec, '_claim'), { driverId }),

    /** Drivers that may be ours: alive, of our main class, submitted since the intent, and not known to be another submission's. */
    async suspects(spec: JobSpec, key: string, master: MasterView): Promise<{ ours?: string; unknown: string[] }> {
      const candidates = [...master.drivers.values()].filter(
        (driver) =>
          driver.active &&
          driver.submittedAtMs >= spec.intentAtMs - CLOCK_SLACK_MS &&
          (driver.mainClass === undefined || driver.mainClass === spec.mainClass),
      );
      const ids = candidates.map((driver) => driver.id);
      const keys = ids.length === 0 || ledger === undefined ? new Map<string, string>() : await ledger.keysOf(ids);
      const ours = ids.find((id) => keys.get(id) === key);
      return { ...(ours === undefined ? {} : { ours }), unknown: ids.filter((id) => !keys.has(id)) };
    },
  };
}

/** How far the master's clock may be behind ours. */
const CLOCK_SLACK_MS = 60_000;
