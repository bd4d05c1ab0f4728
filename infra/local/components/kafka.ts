/** Kafka: one broker that is its own KRaft controller. */
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { placeJars } from '../fetch/unpack.js';
import lock from '../locks/kafka.json' with { type: 'json' };
import { MEMORY } from '../memory.js';
import { run } from '../run.js';
import type { Component, StackContext } from '../types.js';
import { freshTemporary, SMALL_JVM, tidyJvm } from './java.js';

const VERSION = '4.3.1';

export const kafka: Component = {
  name: 'kafka',
  version: VERSION,
  givenBy: 'KAFKA_BROKERS',
  needsJava: true,
  sources: [
    {
      kind: 'maven',
      name: 'kafka',
      dependencies: [
        { groupId: 'org.apache.kafka', artifactId: 'kafka_2.13', version: VERSION },
        { groupId: 'org.apache.kafka', artifactId: 'kafka-server', version: VERSION },
        { groupId: 'org.slf4j', artifactId: 'slf4j-simple', version: '1.7.36' },
      ],
      lock,
    },
  ],

  async install(fetched, dir) {
    await placeJars(fetched[0] ?? [], join(dir, 'lib'));
  },

  async prepare(context) {
    const { data, home, javaHome, secrets } = context;
    await mkdir(data, { recursive: true });
    await freshTemporary(data);
    await writeFile(join(data, 'server.properties'), properties(context));
    const formatted = await access(join(data, 'logs', 'meta.properties')).then(
      () => true,
      () => false,
    );
    if (formatted) return;
    const format = [
      'kafka.tools.StorageTool',
      'format',
      '-t',
      secrets.kafkaClusterId,
      '-c',
      join(data, 'server.properties'),
    ];
    await run(
      join(javaHome, 'bin', 'java'),
      [...SMALL_JVM, ...tidyJvm(data), '-cp', join(home, 'lib', '*'), ...format],
      { cwd: data },
    );
  },

  processes({ home, data, javaHome, ports }) {
    const client = new Kafka({
      clientId: 'sluice-probe',
      brokers: [`127.0.0.1:${ports.kafka}`],
      logLevel: logLevel.NOTHING,
      connectionTimeout: 2_000,
      retry: { retries: 0 },
    });
    return [
      {
        name: 'kafka',
        command: join(javaHome, 'bin', 'java'),
        args: [
          `-Xmx${MEMORY.heapMb.kafka}m`,
          ...tidyJvm(data),
          ...['-XX:+UseSerialGC', '-XX:+ExitOnOutOfMemoryError', '-Djava.awt.headless=true'],
          ...['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-Dorg.slf4j.simpleLogger.showDateTime=true'],
          '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
          ...['-cp', join(home, 'lib', '*'), 'kafka.Kafka', join(data, 'server.properties')],
        ],
        env: {},
        cwd: data,
        ports: [ports.kafka, ports.kafkaController],
        ready: async () => {
          const admin = client.admin();
          try {
            await admin.connect();
            return (await admin.describeCluster()).brokers.length === 1;
          } finally {
            await admin.disconnect();
          }
        },
      },
    ];
  },
};

function properties({ data, ports }: StackContext): string {
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${ports.kafkaController}`,
    listeners: `PLAINTEXT://127.0.0.1:${ports.kafka},CONTROLLER://127.0.0.1:${ports.kafkaController}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.kafka}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(data, 'logs'),
    'auto.create.topics.enable': 'false',
    'num.partitions': '4',
    'default.replication.factor': '1',
    'min.insync.replicas': '1',
    // One broker holds one copy; few partitions of the internal topics keep the start short.
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '8',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '8',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'share.coordinator.state.topic.num.partitions': '1',
    // A stack that rests for a month still knows where its consumers were.
    'offsets.retention.minutes': '525600',
    'transactional.id.expiration.ms': '2147483647',
    'group.initial.rebalance.delay.ms': '0',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'log.cleaner.dedupe.buffer.size': '33554432',
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
