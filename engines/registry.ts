/** The engines of this process by name and cluster; adding an engine without a factory here does not compile. */
import { SluiceError } from '../infra/errors.js';
import { createJarCatalog } from './artifacts.js';
import { createFlinkEngine } from './flink/engine.js';
import type { FlinkEngineConfig } from './flink/engine.js';
import { createKafkaStreamsEngine } from './kafka-streams/engine.js';
import type { KafkaStreamsEngineConfig } from './kafka-streams/engine.js';
import type { ObjectStore } from './object-store.js';
import type { EngineName, EnginePort } from './port.js';
import { createSparkEngine } from './spark/engine.js';
import type { SparkEngineConfig } from './spark/engine.js';
import type { DriverLedger } from './spark/identity.js';

export interface EnginesConfig {
  /** Path of the job jar of each jobs module. */
  jars: Record<EngineName, string>;
  /** One entry per cluster; for Kafka Streams only the host that this process runs on. */
  clusters: {
    flink: readonly FlinkEngineConfig[];
    spark: readonly SparkEngineConfig[];
    'kafka-streams': readonly KafkaStreamsEngineConfig[];
  };
}

export interface EnginesDeps {
  objects: ObjectStore;
  /** Lets Spark tell drivers of other submissions from strangers. */
  ledger?: DriverLedger;
}

export type Engines = (name: EngineName, cluster: string) => EnginePort;

export function createEngines(config: EnginesConfig, deps: EnginesDeps): Engines {
  const jars = createJarCatalog(config.jars);
  const make = {
    flink: () => config.clusters.flink.map((cluster) => createFlinkEngine(cluster, { ...deps, jars })),
    spark: () => config.clusters.spark.map((cluster) => createSparkEngine(cluster, { ...deps, jars })),
    'kafka-streams': () => config.clusters['kafka-streams'].map((host) => createKafkaStreamsEngine(host, { jars })),
  } satisfies Record<EngineName, () => EnginePort[]>;
  const ports = new Map<string, EnginePort>();
  for (const port of Object.values(make).flatMap((all) => all())) ports.set(`${port.name}/${port.cluster}`, port);
  return (name, cluster) => {
    const port = ports.get(`${name}/${cluster}`);
    if (port !== undefined) return port;
    const known = [...ports.keys()].join(', ') || 'none';
    throw new SluiceError('CONFIG_INVALID', `no engine ${name}/${cluster} is configured here; known: ${known}`);
  };
}
