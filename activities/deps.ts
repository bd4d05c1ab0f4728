/** Everything the activities need, as ports handed in by the worker's entry point. */
import type { Kafka } from 'kafkajs';
import type { EngineName, EnginePort } from '../engines/port.js';
import type { Pool } from '../infra/postgres/pool.js';
import type { ObjectStore } from '../infra/s3/object-store.js';
import type { OwnerPair } from '../workflows/contracts/ids.js';
import type { EngineKind } from '../workflows/contracts/plans.js';
import type { JobChanged } from '../workflows/contracts/messages.js';

/** `closed`: it has ended, and another chain holds its id, so nobody says how. `not-found`: past retention, or never there. */
export type OwnerState =
  'open' | 'succeeded' | 'failed' | 'cancelled' | 'terminated' | 'timed-out' | 'closed' | 'not-found';

/** What activities ask of Temporal itself; the worker wires a client in. */
export interface TemporalPort {
  /** How an execution chain is, by a strongly consistent answer of Temporal. */
  ownerState(owner: OwnerPair): Promise<OwnerState>;
  /** Ids of open engine jobs and supervisors as the visibility store lists them; it may lag, so it only rules out. */
  openOwners(): Promise<ReadonlySet<string>>;
  /** True only on a clear answer that this execution chain has ended. */
  isClosed(owner: OwnerPair): Promise<boolean>;
  /** False when the owner is closed or unknown. */
  signalJobChanged(workflowId: string, change: JobChanged): Promise<boolean>;
  ensureWatcher(engine: EngineKind, cluster: string): Promise<void>;
}

export interface Settings {
  pipelinesDir: string;
  bucket: string;
  kafkaBrokers: string;
  /** Cluster name per engine; for Kafka Streams the host. */
  clusters: Record<EngineName, string>;
  watchIntervalMs: number;
  lineageNamespace: string;
  /** Datasets in Postgres are named after this server, without user or password. */
  databaseUrl: string;
}

export interface ActivityDeps {
  pool: Pool;
  kafka: Kafka;
  objects: ObjectStore;
  engine: (name: EngineName, cluster: string) => EnginePort;
  temporal: TemporalPort;
  settings: Settings;
  /** Milliseconds since epoch. */
  now: () => number;
}
