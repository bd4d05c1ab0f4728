/** Shared parts of the Java command lines. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Small servers: the serial collector and the quick compiler keep memory and start time low. */
export const SMALL_JVM = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:+ExitOnOutOfMemoryError'] as const;

/** Flags that open packages of the JDK to the class path, one `module/package` each. */
export function openPackages(packages: readonly string[]): string[] {
  return packages.map((name) => `--add-opens=${name}=ALL-UNNAMED`);
}

export function exportPackages(packages: readonly string[]): string[] {
  return packages.map((name) => `--add-exports=${name}=ALL-UNNAMED`);
}

/** Keeps what a JVM leaves lying about inside the component's own data folder. */
export function tidyJvm(data: string): string[] {
  return [`-Djava.io.tmpdir=${join(data, 'tmp')}`, '-XX:-UsePerfData'];
}

/** Empties that folder; only while none of the component's processes runs. */
export async function freshTemporary(data: string): Promise<void> {
  await rm(join(data, 'tmp'), { recursive: true, force: true });
  await mkdir(join(data, 'tmp'), { recursive: true });
}
