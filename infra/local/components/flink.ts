/** Flink: a session cluster of one JobManager and one TaskManager with eight slots. */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { placeJars, sole, unpackWheel } from '../fetch/unpack.js';
import lock from '../locks/flink-kafka.json' with { type: 'json' };
import { MEMORY } from '../memory.js';
import type { Component, StackContext } from '../types.js';
import { accepts, json } from '../wait.js';
import { exportPackages, freshTemporary, openPackages, tidyJvm } from './java.js';

const VERSION = '2.3.0';
const SLOTS = 8;

/** What Flink's own default configuration opens on Java 17 and later. */
const JAVA_17 = [
  '-XX:+IgnoreUnrecognizedVMOptions',
  ...exportPackages([
    'java.rmi/sun.rmi.registry',
    'jdk.compiler/com.sun.tools.javac.api',
    'jdk.compiler/com.sun.tools.javac.file',
    'jdk.compiler/com.sun.tools.javac.parser',
    'jdk.compiler/com.sun.tools.javac.tree',
    'jdk.compiler/com.sun.tools.javac.util',
    'java.security.jgss/sun.security.krb5',
  ]),
  ...openPackages([
    'java.base/java.lang',
    'java.base/java.net',
    'java.base/java.io',
    'java.base/java.nio',
    'java.base/sun.nio.ch',
    'java.base/java.lang.reflect',
    'java.base/java.text',
    'java.base/java.time',
    'java.base/java.util',
    'java.base/java.util.concurrent',
    'java.base/java.util.concurrent.atomic',
    'java.base/java.util.concurrent.locks',
  ]),
];

export const flink: Component = {
  name: 'flink',
  version: VERSION,
  givenBy: 'FLINK_REST_URL',
  needsJava: true,
  sources: [
    {
      kind: 'pip',
      package: 'apache-flink-libraries',
      version: VERSION,
      format: 'wheel',
      files: {
        any: {
          file: 'apache_flink_libraries-2.3.0-py2.py3-none-any.whl',
          sha256: '38ece876553286b3a285cf344c2d2038f8a7ca10da5df54d5107250386d64151',
          bytes: 329_139_814,
        },
      },
    },
    {
      kind: 'maven',
      name: 'flink-kafka',
      dependencies: [
        {
          groupId: 'org.apache.flink',
          artifactId: 'flink-sql-connector-kafka',
          version: '5.0.0-2.2',
          exclusions: ['*:*'],
        },
      ],
      lock,
    },
  ],

  async install(fetched, dir) {
    const unpacked = join(dir, 'wheel');
    await unpackWheel(sole(fetched, 0), unpacked);
    await rename(join(unpacked, 'pyflink', 'lib'), join(dir, 'lib'));
    await rm(unpacked, { recursive: true });
    await placeJars(fetched[1] ?? [], join(dir, 'lib'));
  },

  async prepare(context) {
    const { data } = context;
    for (const folder of ['conf', 'checkpoints', 'savepoints', 'upload']) {
      await mkdir(join(data, folder), { recursive: true });
    }
    await freshTemporary(data);
    await writeFile(join(data, 'conf', 'config.yaml'), configuration(context));
    await writeFile(join(data, 'conf', 'log4j.properties'), LOGGING);
  },

  async processes(context) {
    const { home, data, javaHome, ports } = context;
    const tm = MEMORY.flinkTaskManager;
    const classpath = (await readdir(join(home, 'lib')))
      .sort()
      .map((jar) => join(home, 'lib', jar))
      .join(':');
    const command = join(javaHome, 'bin', 'java');
    const common = [
      '-XX:+UseSerialGC',
      '-XX:+ExitOnOutOfMemoryError',
      ...JAVA_17,
      ...tidyJvm(data),
      `-Dlog4j.configurationFile=${join(data, 'conf', 'log4j.properties')}`,
      ...['-cp', classpath],
    ];
    const conf = ['--configDir', join(data, 'conf')];
    const rest = `http://127.0.0.1:${ports.flinkRest}`;
    const overview = async (): Promise<Record<string, unknown>> =>
      (await json(`${rest}/overview`)) as Record<string, unknown>;
    return [
      {
        name: 'flink-jobmanager',
        command,
        args: [
          `-Xmx${MEMORY.heapMb.flinkJobManager}m`,
          `-XX:MaxMetaspaceSize=${MEMORY.flinkJobManagerMetaspaceMb}m`,
          ...common,
          ...['org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint', ...conf],
        ],
        env: {},
        cwd: data,
        ports: [ports.flinkRest, ports.flinkJobManager, ports.flinkBlob],
        ready: async () => 'taskmanagers' in (await overview()),
        readyTimeoutMs: 90_000,
      },
      {
        name: 'flink-taskmanager',
        command,
        args: [
          `-Xmx${tm.frameworkHeapMb + tm.taskHeapMb}m`,
          `-XX:MaxDirectMemorySize=${tm.frameworkOffHeapMb + tm.taskOffHeapMb + tm.networkMb}m`,
          `-XX:MaxMetaspaceSize=${tm.metaspaceMb}m`,
          ...common,
          ...['org.apache.flink.runtime.taskexecutor.TaskManagerRunner', ...conf],
        ],
        env: {},
        cwd: data,
        ports: [ports.flinkTaskManager, ports.flinkTaskManagerData],
        // After a crash the JobManager counts the old one's slots for a while; the port tells that the new one is there.
        ready: async () => (await accepts(ports.flinkTaskManagerData)) && (await overview())['slots-total'] === SLOTS,
        readyTimeoutMs: 90_000,
      },
    ];
  },
};

function configuration({ data, ports }: StackContext): string {
  const tm = MEMORY.flinkTaskManager;
  const settings: Record<string, string | number | boolean> = {
    'jobmanager.rpc.address': '127.0.0.1',
    'jobmanager.rpc.port': ports.flinkJobManager,
    'jobmanager.bind-host': '127.0.0.1',
    'blob.server.port': String(ports.flinkBlob),
    'blob.storage.directory': join(data, 'tmp'),
    'rest.address': '127.0.0.1',
    'rest.bind-address': '127.0.0.1',
    'rest.port': ports.flinkRest,
    'rest.bind-port': String(ports.flinkRest),
    'web.submit.enable': true,
    'web.upload.dir': join(data, 'upload'),
    // Ended jobs stay known to the REST interface for a week.
    'jobstore.expiration-time': 7 * 24 * 3600,
    'jobstore.max-capacity': 10_000,
    'taskmanager.host': '127.0.0.1',
    'taskmanager.bind-host': '127.0.0.1',
    'taskmanager.resource-id': 'local',
    'taskmanager.rpc.port': String(ports.flinkTaskManager),
    'taskmanager.data.port': ports.flinkTaskManagerData,
    'taskmanager.numberOfTaskSlots': SLOTS,
    'taskmanager.cpu.cores': SLOTS,
    'taskmanager.memory.framework.heap.size': `${tm.frameworkHeapMb}m`,
    'taskmanager.memory.task.heap.size': `${tm.taskHeapMb}m`,
    'taskmanager.memory.framework.off-heap.size': `${tm.frameworkOffHeapMb}m`,
    'taskmanager.memory.task.off-heap.size': `${tm.taskOffHeapMb}m`,
    'taskmanager.memory.managed.size': `${tm.managedMb}m`,
    'taskmanager.memory.network.min': `${tm.networkMb}m`,
    'taskmanager.memory.network.max': `${tm.networkMb}m`,
    'taskmanager.memory.jvm-metaspace.size': `${tm.metaspaceMb}m`,
    'taskmanager.memory.jvm-overhead.min': `${tm.overheadMb}m`,
    'taskmanager.memory.jvm-overhead.max': `${tm.overheadMb}m`,
    'io.tmp.dirs': join(data, 'tmp'),
    'parallelism.default': 1,
    // A restart begins at the newest checkpoint that was read, which can be half a minute older than the newest one there is.
    'execution.checkpointing.num-retained': 20,
    'execution.checkpointing.dir': pathToFileURL(join(data, 'checkpoints')).href,
    'execution.checkpointing.savepoint-dir': pathToFileURL(join(data, 'savepoints')).href,
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    'classloader.check-leaked-classloader': false,
    'cluster.processes.halt-on-fatal-error': true,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
    .join('');
}

const LOGGING = `rootLogger.level = WARN
rootLogger.appenderRef.console.ref = console
appender.console.name = console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %-60c %x - %m%n
logger.jobs.name = org.apache.flink.runtime.executiongraph
logger.jobs.level = INFO
logger.dispatcher.name = org.apache.flink.runtime.dispatcher
logger.dispatcher.level = INFO
# Every Kafka sink of a job registers the same few names and would say so at each checkpoint.
logger.metrics.name = org.apache.flink.metrics.MetricGroup
logger.metrics.level = ERROR
`;
