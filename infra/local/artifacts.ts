/** Single artifacts for other parts: fetched, checked and unpacked like the servers. */
import { join } from 'node:path';
import { foodmart } from './components/foodmart.js';
import { ensureArtifact } from './fetch/artifact.js';
import { cacheFolder } from './layout.js';
import { requireJavaHome, requirePlatform } from './platform.js';
import type { StackOptions } from './stack.js';

/** The jar that holds the FoodMart script. */
export async function foodmartJar({ root, env, progress }: StackOptions): Promise<string> {
  const platform = requirePlatform();
  const javaHome = await requireJavaHome(env);
  const home = await ensureArtifact(foodmart, { root, cache: cacheFolder(env), platform, javaHome, progress });
  return join(home, `foodmart-data-hsqldb-${foodmart.version}.jar`);
}
