/** Spark: a standalone cluster of one master with REST submission and one worker, and the history server. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { placeJars, sole, unpackTar } from '../fetch/unpack.js';
import lock from '../locks/spark-s3a.json' with { type: 'json' };
import { MEMORY } from '../memory.js';
import type { Component, MavenDependency, StackContext } from '../types.js';
import { accepts, answers, json } from '../wait.js';
import { freshTemporary, SMALL_JVM, tidyJvm } from './java.js';
import { coreSite, JAVA_17, submitProperties } from './spark-settings.js';

const VERSION = '4.3.0';
const SCALA = '2.13';
/** A promise, not processors: each cluster-mode driver holds one, and drivers alone must not use them up. */
const WORKER_CORES = 8;

/** What Spark brings itself, in newer versions. */
const IN_SPARK = [
  'io.netty:*',
  'org.slf4j:*',
  'commons-logging:*',
  'commons-codec:*',
  'org.apache.httpcomponents:*',
  'org.apache.hadoop:*',
  'software.amazon.awssdk:bundle',
];

const AWS_SDK: MavenDependency[] = ['s3', 's3-transfer-manager', 'sts', 'apache-client'].map((artifactId) => ({
  groupId: 'software.amazon.awssdk',
  artifactId,
  version: '2.35.4',
  exclusions: IN_SPARK,
}));

export const spark: Component = {
  name: 'spark',
  version: VERSION,
  givenBy: 'SPARK_MASTER_REST_URL',
  needsJava: true,
  sources: [
    {
      kind: 'pip',
      package: 'pyspark',
      version: VERSION,
      format: 'sdist',
      files: {
        any: {
          file: 'pyspark-4.3.0.tar.gz',
          sha256: 'e8c517948eff7088a7aa07449aa8eafa4a15a8d50319de2525a6fd26622476c6',
          bytes: 455_910_862,
        },
      },
    },
    {
      kind: 'maven',
      name: 'spark-s3a',
      dependencies: [
        { groupId: 'org.apache.hadoop', artifactId: 'hadoop-aws', version: '3.5.0', exclusions: IN_SPARK },
        ...AWS_SDK,
      ],
      lock,
    },
  ],

  async install(fetched, dir) {
    const unpacked = join(dir, 'sdist');
    await unpackTar(sole(fetched, 0), `pyspark-${VERSION}/deps/jars`, unpacked);
    await rename(unpacked, join(dir, 'jars'));
    await placeJars(fetched[1] ?? [], join(dir, 'jars'));
    // Spark takes a folder with this file for an installation, and its jars/ for the class path.
    await writeFile(join(dir, 'RELEASE'), `Spark ${VERSION}\n`);
  },

  async prepare({ data, env }) {
    for (const folder of ['conf', 'events', 'work']) await mkdir(join(data, folder), { recursive: true });
    await writeFile(join(data, 'conf', 'core-site.xml'), coreSite(env, join(data, 'tmp')));
    const defaults = Object.entries(submitProperties(env));
    await writeFile(
      join(data, 'conf', 'spark-defaults.conf'),
      defaults.map(([name, value]) => `${name} ${value}\n`).join(''),
    );
    await freshTemporary(data);
  },

  processes(context) {
    const { data, ports, env } = context;
    const ui = `http://127.0.0.1:${ports.sparkMasterUi}`;
    const master = `spark://127.0.0.1:${ports.sparkMaster}`;
    const state = async (): Promise<Record<string, unknown>> => (await json(`${ui}/json/`)) as Record<string, unknown>;
    return [
      {
        name: 'spark-master',
        ...java(context, MEMORY.heapMb.sparkMaster, [
          '-Dspark.master.rest.enabled=true',
          `-Dspark.master.rest.port=${ports.sparkRest}`,
          '-Dspark.deploy.retainedDrivers=10000',
          '-Dspark.deploy.retainedApplications=10000',
          'org.apache.spark.deploy.master.Master',
          ...['--host', '127.0.0.1', '--port', String(ports.sparkMaster), '--webui-port', String(ports.sparkMasterUi)],
        ]),
        ports: [ports.sparkMaster, ports.sparkRest, ports.sparkMasterUi],
        ready: async () =>
          (await state()).status === 'ALIVE' &&
          (await answers(`http://127.0.0.1:${ports.sparkRest}/v1/submissions/status/none`, [200])),
      },
      {
        name: 'spark-worker',
        ...java(
          context,
          MEMORY.heapMb.sparkWorker,
          [
            '-Dspark.worker.cleanup.enabled=true',
            'org.apache.spark.deploy.worker.Worker',
            ...[
              '--host',
              '127.0.0.1',
              '--port',
              String(ports.sparkWorker),
              '--webui-port',
              String(ports.sparkWorkerUi),
            ],
            ...['--cores', String(WORKER_CORES), '--memory', `${MEMORY.sparkWorkerMb}m`],
            ...['--work-dir', join(data, 'work'), master],
          ],
          // Drivers and executors inherit the worker's environment, and with it the keys to the lake.
          lakeKeys(env),
        ),
        ports: [ports.sparkWorker, ports.sparkWorkerUi],
        ready: async () => (await accepts(ports.sparkWorkerUi)) && (await state()).aliveworkers === 1,
      },
      {
        name: 'spark-history',
        ...java(context, MEMORY.heapMb.sparkHistory, [
          `-Dspark.history.fs.logDirectory=${env.SPARK_EVENT_LOG_DIR}`,
          '-Dspark.history.fs.update.interval=5s',
          `-Dspark.history.ui.port=${ports.sparkHistory}`,
          'org.apache.spark.deploy.history.HistoryServer',
        ]),
        ports: [ports.sparkHistory],
        ready: async () => answers(`http://127.0.0.1:${ports.sparkHistory}/api/v1/applications`),
      },
    ];
  },
};

function java(
  { home, data, javaHome }: StackContext,
  heapMb: number,
  args: readonly string[],
  extra: Record<string, string> = {},
): { command: string; args: string[]; env: Record<string, string>; cwd: string } {
  return {
    command: join(javaHome, 'bin', 'java'),
    args: [
      `-Xmx${heapMb}m`,
      ...SMALL_JVM,
      ...tidyJvm(data),
      ...JAVA_17,
      '-cp',
      `${join(data, 'conf')}:${join(home, 'jars', '*')}`,
      ...args,
    ],
    env: {
      JAVA_HOME: javaHome,
      SPARK_HOME: home,
      SPARK_CONF_DIR: join(data, 'conf'),
      SPARK_SCALA_VERSION: SCALA,
      SPARK_LOCAL_IP: '127.0.0.1',
      SPARK_PUBLIC_DNS: '127.0.0.1',
      SPARK_LOCAL_DIRS: join(data, 'tmp'),
      ...extra,
    },
    cwd: data,
  };
}

function lakeKeys(env: Record<string, string>): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: env.S3_ACCESS_KEY_ID ?? '',
    AWS_SECRET_ACCESS_KEY: env.S3_SECRET_ACCESS_KEY ?? '',
    AWS_REGION: env.S3_REGION ?? 'us-east-1',
  };
}
