/** Posts a Spark driver at most once per submission as far as anybody can tell, and lets the claim settle what nobody can. */
import { isSluiceError, SluiceError } from '../../infra/errors.js';
import type { JarCatalog } from '../artifacts.js';
import type { ObjectStore } from '../object-store.js';
import type { JobSpec } from '../port.js';
import { waitFor } from '../waiting.js';
import type { CreateRequest, SparkClient } from './client.js';
import type { SparkIdentity } from './identity.js';

export interface SubmissionOptions {
  cluster: string;
  bucket: string;
  /** Added to every job's properties, e.g. event log settings; must hold no secrets, the master shows them. */
  properties: Readonly<Record<string, string>>;
  submitTimeoutMs: number;
  /** How long one call waits for the outcome of an earlier or unanswered post. */
  resolveMs: number;
  lookMs: number;
}

export interface SubmissionDeps {
  client: SparkClient;
  identity: SparkIdentity;
  objects: ObjectStore;
  jars: JarCatalog;
}

/** Returns the driver to follow. Throws a retryable error while the outcome is open. */
export async function submitDriver(
  options: SubmissionOptions,
  deps: SubmissionDeps,
  spec: JobSpec,
  key: string,
  signal?: AbortSignal,
): Promise<string> {
  const { client, identity } = deps;
  const request = await createRequest(options, deps, spec, key);
  const mark = await identity.markPost(spec, Date.now());
  if (!mark.first) {
    const earlier = await outcomeOfEarlier(options, deps, spec, key, mark.atMs, signal);
    if (earlier !== 'none') return earlier;
  }
  let fault: unknown;
  try {
    const driverId = await client.create(request, signal);
    await identity.recordAccepted(spec, driverId);
    return driverId;
  } catch (error) {
    if (!isSluiceError(error, 'ENGINE_UNREACHABLE')) throw error;
    fault = error;
  }
  const driverId = await waitFor(() => identity.driverOf(spec), {
    deadlineMs: options.resolveMs,
    intervalMs: options.lookMs,
    signal,
  });
  if (driverId !== undefined) return driverId;
  throw new SluiceError(
    'ENGINE_UNREACHABLE',
    `Spark ${options.cluster}: the outcome of submitting ${spec.name} is unknown and no driver has claimed it yet`,
    { cause: fault, details: { key } },
  );
}

/** Waits until somebody's driver shows up, or until it is certain that no earlier post left one: only then `none`. */
async function outcomeOfEarlier(
  options: SubmissionOptions,
  { client, identity }: SubmissionDeps,
  spec: JobSpec,
  key: string,
  postedAtMs: number,
  signal?: AbortSignal,
): Promise<string> {
  /** Until then the earlier post may still be on its way. */
  const settledAtMs = postedAtMs + options.submitTimeoutMs + 5_000;
  let unknown: string[] = [];
  const found = await waitFor<string>(
    async () => {
      const driverId = await identity.driverOf(spec);
      if (driverId !== undefined) return driverId;
      const suspects = await identity.suspects(spec, key, await client.master(signal));
      if (suspects.ours !== undefined) return suspects.ours;
      unknown = suspects.unknown;
      return unknown.length === 0 && Date.now() >= settledAtMs ? 'none' : undefined;
    },
    { deadlineMs: options.resolveMs, intervalMs: options.lookMs, signal },
  );
  if (found !== undefined) return found;
  const why =
    unknown.length > 0 ? `drivers ${unknown.join(', ')} may be it` : 'the earlier post may still be on its way';
  throw new SluiceError(
    'JOB_NOT_READY',
    `Spark ${options.cluster}: ${spec.name} was posted before and has no claim yet; ${why}`,
    {
      details: { key, unknownDrivers: unknown },
    },
  );
}

async function createRequest(
  options: SubmissionOptions,
  { objects, jars }: SubmissionDeps,
  spec: JobSpec,
  key: string,
): Promise<CreateRequest> {
  const jar = await jars.jarFor(spec.module, spec.mainClass);
  // The name holds nothing but the content, so that jars of the same content share one object.
  const object = `${options.bucket}/_artifacts/${jar.sha256}.jar`;
  if (!(await objects.exists(`s3://${object}`))) await objects.putFile(`s3://${object}`, jar.path);
  const appResource = `s3a://${object}`;
  const { cores, memoryMb, driverMemoryMb } = spec.resources;
  return {
    appResource,
    mainClass: spec.mainClass,
    appArgs: ['--spec', JSON.stringify(spec.document)],
    sparkProperties: {
      ...options.properties,
      'spark.app.name': `${spec.tag} ${spec.name}`,
      'spark.sluice.key': key,
      'spark.submit.deployMode': 'cluster',
      'spark.driver.supervise': 'false',
      'spark.jars': appResource,
      ...(cores === undefined ? {} : { 'spark.cores.max': String(cores) }),
      ...(memoryMb === undefined ? {} : { 'spark.executor.memory': `${memoryMb}m` }),
      ...(driverMemoryMb === undefined ? {} : { 'spark.driver.memory': `${driverMemoryMb}m` }),
    },
  };
}
