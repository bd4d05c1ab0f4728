/** Task queue names: one for all workflows, and one per thing a worker must be able to reach. */
import type { EngineKind } from './plans.js';

export const CONTROL_QUEUE = 'control';
export const hostQueue = (host: string): string => `streams/${host}`;

/** Queue of the workers that can reach this cluster; for Kafka Streams the cluster is the host itself. */
export function engineQueue(engine: EngineKind, cluster: string): string {
  return engine === 'kafka-streams' ? hostQueue(cluster) : `engine-${engine}`;
}
