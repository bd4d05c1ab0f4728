/** What is the same in all lineage events of an installation. */

export const SLUICE_VERSION = '0.1.0';

export interface LineageSettings {
  /** Namespace of jobs; two installations that share a backend need two. */
  namespace: string;
  /** URI of the software that makes the events; never names a host. */
  producer: string;
  /** Web address of the project's source tree at the deployed version; without it code is located by a URN. */
  sourceUrl?: string;
}

export const DEFAULT_LINEAGE_SETTINGS: LineageSettings = {
  namespace: 'sluice',
  producer: `https://sluice.dev/producer/${SLUICE_VERSION}`,
};
