/** Shared parts of the Java command lines. */

/** Small servers: the serial collector and the quick compiler keep memory and start time low. */
export const SMALL_JVM = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:+ExitOnOutOfMemoryError'] as const;

/** Flags that open packages of the JDK to the class path, one `module/package` each. */
export function openPackages(packages: readonly string[]): string[] {
  return packages.map((name) => `--add-opens=${name}=ALL-UNNAMED`);
}

export function exportPackages(packages: readonly string[]): string[] {
  return packages.map((name) => `--add-exports=${name}=ALL-UNNAMED`);
}
