/** What activities need, for tests on a real Postgres: a fake cluster, a clock that can be moved, a Temporal that takes notes. */
import { fileURLToPath } from 'node:url';
import type { ActivityDeps, OwnerState, TemporalPort } from '../../activities/deps.js';
import { createKafka } from '../../infra/kafka/client.js';
import type { ObjectStore } from '../../infra/s3/object-store.js';
import type { OwnerPair } from '../../workflows/contracts/ids.js';
import type { JobChanged } from '../../workflows/contracts/messages.js';
import type { TestDatabase } from './curated-database.js';
import { createFakeEngine, type FakeCluster } from './fake-engine.js';

export const PIPELINES = fileURLToPath(new URL('../../pipelines', import.meta.url));

export class FakeTemporal implements TemporalPort {
  readonly signals: ({ workflowId: string } & JobChanged)[] = [];
  readonly ensured: string[] = [];
  /** Ids of workflows that take no signal. */
  readonly deaf = new Set<string>();
  readonly closed = new Set<string>();

  /** How closed owners ended, where it matters; default terminated. */
  readonly endings = new Map<string, OwnerState>();
  /** Temporal does not answer. */
  away = false;
  /** Owners that were asked about one by one. */
  readonly asked: string[] = [];
  /** What the visibility store lists as open, which may lag. */
  readonly open = new Set<string>();

  async ownerState({ workflowId }: OwnerPair): Promise<OwnerState> {
    if (this.away) throw Object.assign(new Error('14 UNAVAILABLE: no Temporal'), { code: 14 });
    this.asked.push(workflowId);
    if (!this.closed.has(workflowId)) return 'open';
    return this.endings.get(workflowId) ?? 'terminated';
  }

  async openOwners(): Promise<ReadonlySet<string>> {
    if (this.away) throw Object.assign(new Error('14 UNAVAILABLE: no Temporal'), { code: 14 });
    return this.open;
  }

  async isClosed({ workflowId }: OwnerPair): Promise<boolean> {
    return this.closed.has(workflowId);
  }

  async signalJobChanged(workflowId: string, change: JobChanged): Promise<boolean> {
    if (this.deaf.has(workflowId)) return false;
    this.signals.push({ workflowId, ...change });
    return true;
  }

  async ensureWatcher(_engine: string, cluster: string): Promise<void> {
    this.ensured.push(cluster);
  }
}

/** Objects that tests put there as JSON. */
export class JsonObjects {
  readonly objects = new Map<string, unknown>();
  async getJson(url: string): Promise<unknown> {
    return this.objects.get(url);
  }
  async putText(url: string, text: string): Promise<boolean> {
    this.objects.set(url, text);
    return true;
  }
}

export interface TestDeps {
  deps: ActivityDeps;
  temporal: FakeTemporal;
  objects: JsonObjects;
  advance(ms: number): void;
}

export function createTestDeps(
  database: TestDatabase,
  cluster: FakeCluster,
  options: { watchIntervalMs?: number; nowMs?: number } = {},
): TestDeps {
  let aheadMs = options.nowMs === undefined ? 0 : options.nowMs - Date.now();
  const temporal = new FakeTemporal();
  const objects = new JsonObjects();
  const deps: ActivityDeps = {
    pool: database.pool,
    kafka: createKafka({ brokers: ['127.0.0.1:1'], clientId: 'nobody' }),
    objects: objects as unknown as ObjectStore,
    engine: (name, clusterName) => createFakeEngine(cluster, { name, clusterName }),
    temporal,
    settings: {
      pipelinesDir: PIPELINES,
      bucket: 'lake',
      kafkaBrokers: '127.0.0.1:1',
      clusters: { flink: 'flink', spark: 'spark', 'kafka-streams': 'local' },
      watchIntervalMs: options.watchIntervalMs ?? 20,
      lineageNamespace: 'sluice',
      databaseUrl: database.url,
    },
    now: () => Date.now() + aheadMs,
  };
  return {
    deps,
    temporal,
    objects,
    advance: (ms) => {
      aheadMs += ms;
    },
  };
}
