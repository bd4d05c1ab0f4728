/** The tag under which an installation's jobs stand at an engine: `sluice:<installation>:<key>`, first word of a job's name. */

/** The submission key in a job's name, if the name bears the tag of this installation. */
export function keyOfTag(name: string, installation: string): string | undefined {
  const prefix = `sluice:${installation}:`;
  if (!name.startsWith(prefix)) return undefined;
  const key = name.slice(prefix.length).split(' ', 1)[0] ?? '';
  return /^[0-9a-f]{32}$/.test(key) ? key : undefined;
}
