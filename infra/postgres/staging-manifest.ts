/** Reads and verifies the manifest that proves a submission finished. */
import { z } from 'zod';
import { SluiceError } from '../errors.js';
import type { ObjectStore } from '../s3/object-store.js';

const count = z.int().min(0);

const manifestSchema = z.object({
  key: z.string(),
  outputs: z.array(
    z.object({
      name: z.string(),
      files: z.array(
        z.object({ path: z.string(), rows: count, bytes: count, sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
      ),
      rows: count,
    }),
  ),
});

export type ManifestOutput = z.infer<typeof manifestSchema>['outputs'][number];
export type ManifestFile = ManifestOutput['files'][number];

const plain = (url: string): string => url.replace(/^s3a:/, 's3:');

/**
 * The named output of a submission. Throws MANIFEST_MISSING when there is no manifest, STORE_REJECTED when it belongs to
 * another submission, names files outside its folder or does not add up.
 */
export async function readManifestOutput(
  objects: Pick<ObjectStore, 'getJson'>,
  url: string,
  submissionKey: string,
  outputName: string,
): Promise<ManifestOutput> {
  const json = await objects.getJson(url);
  if (json === undefined) throw new SluiceError('MANIFEST_MISSING', `there is no manifest at ${url}`);
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    throw new SluiceError('STORE_REJECTED', `${url} is not a manifest: ${z.prettifyError(parsed.error)}`);
  }
  const manifest = parsed.data;
  if (manifest.key !== submissionKey) {
    throw new SluiceError('STORE_REJECTED', `${url} belongs to submission ${manifest.key}, not ${submissionKey}`);
  }
  const output = manifest.outputs.find((candidate) => candidate.name === outputName);
  if (!output) {
    const names = manifest.outputs.map((candidate) => candidate.name).join(', ') || 'none';
    throw new SluiceError('STORE_REJECTED', `${url} has no output "${outputName}" (it has: ${names})`);
  }
  const folder = plain(url).slice(0, plain(url).lastIndexOf('/') + 1);
  for (const file of output.files) {
    if (!plain(file.path).startsWith(folder)) {
      throw new SluiceError('STORE_REJECTED', `${url} names ${file.path}, which is outside its submission's folder`);
    }
  }
  const sum = output.files.reduce((total, file) => total + file.rows, 0);
  if (sum !== output.rows) {
    throw new SluiceError(
      'STORE_REJECTED',
      `${url}: the files of "${outputName}" hold ${sum} rows, it says ${output.rows}`,
    );
  }
  return output;
}
