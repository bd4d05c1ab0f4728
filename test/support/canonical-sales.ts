/** Opens a DuckDB that holds a declared source's canonical sales as table `sale`, for tests that recompute from them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mapSales, type SaleSummary } from '../../activities/source/canonical.js';
import { openDatabase, type SourceDatabase } from '../../activities/source/database.js';
import { fetchArtifact } from '../../activities/source/maven-artifact.js';
import { extractScriptTables } from '../../activities/source/script-tables.js';
import { findCsvFiles, loadTables } from '../../activities/source/staged-tables.js';
import { loadSourceSpec } from '../../pipelines/source.js';

export const PIPELINES_DIR = fileURLToPath(new URL('../../pipelines', import.meta.url));

export function testCacheDir(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice');
}

/** Folder of the AdventureWorks files; undefined where they are not at hand (they are not part of the product). */
export function adventureWorksDir(): string | undefined {
  const folder = process.env['SLUICE_TEST_DATA'];
  return folder === undefined ? undefined : join(folder, 'adventureworks-reseller');
}

export async function openCanonicalSales(
  source: string,
  dataDir?: string,
): Promise<{ db: SourceDatabase; summary: SaleSummary }> {
  const spec = await loadSourceSpec(PIPELINES_DIR, source);
  const workDir = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  const db = await openDatabase();
  try {
    if (spec.from.kind === 'maven') {
      const { artifact, sha256, entry } = spec.from;
      const jar = await fetchArtifact({ artifact, sha256, cacheDir: testCacheDir() });
      await loadTables(db, spec, await extractScriptTables(spec, jar, entry, workDir));
    } else await loadTables(db, spec, await findCsvFiles(spec, dataDir));
    return { db, summary: await mapSales(db, spec) };
  } catch (error) {
    db.close();
    throw error;
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}
