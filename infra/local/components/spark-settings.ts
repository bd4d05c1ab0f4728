/** Spark's settings: how it reaches the lake, and what every submission should carry. */
import { exportPackages, openPackages } from './java.js';

/** What Spark's own launcher opens on Java 17 and later. */
export const JAVA_17 = [
  '-XX:+IgnoreUnrecognizedVMOptions',
  '--add-modules=jdk.incubator.vector',
  ...openPackages([
    'java.base/java.lang',
    'java.base/java.lang.invoke',
    'java.base/java.lang.reflect',
    'java.base/java.io',
    'java.base/java.net',
    'java.base/java.nio',
    'java.base/java.util',
    'java.base/java.util.concurrent',
    'java.base/java.util.concurrent.atomic',
    'java.base/jdk.internal.ref',
    'java.base/sun.nio.ch',
    'java.base/sun.nio.cs',
    'java.base/sun.security.action',
    'java.base/sun.util.calendar',
  ]),
  ...exportPackages([]),
  '-Djdk.reflect.useDirectMethodHandle=false',
];

const SHORT_LIVED = '-XX:+UseSerialGC -XX:TieredStopAtLevel=1';

/** Properties for every submission: over REST the master does not read `spark-defaults.conf`. */
export function submitProperties(env: Record<string, string>): Record<string, string> {
  return {
    'spark.eventLog.enabled': 'true',
    'spark.eventLog.dir': env.SPARK_EVENT_LOG_DIR ?? '',
    'spark.ui.port': env.SPARK_DRIVER_UI_PORT ?? '4040',
    'spark.driver.host': '127.0.0.1',
    'spark.driver.bindAddress': '127.0.0.1',
    'spark.sql.session.timeZone': 'UTC',
    // The cluster is small: many empty shuffle partitions cost more than they help.
    'spark.sql.shuffle.partitions': '4',
    'spark.driver.supervise': 'false',
    // Jobs of a local stack are short: time spent compiling is time lost (59 s of CPU without these for the history, 22 s with).
    'spark.driver.extraJavaOptions': SHORT_LIVED,
    'spark.executor.extraJavaOptions': SHORT_LIVED,
  };
}

/** Hadoop's settings for the lake; keys come from the environment and are never written here. */
export function coreSite(env: Record<string, string>, buffers: string): string {
  const fileSystem = 'org.apache.hadoop.fs.s3a.S3AFileSystem';
  const endpoint = env.S3_ENDPOINT ?? '';
  const settings = {
    'fs.s3a.impl': fileSystem,
    'fs.s3.impl': fileSystem,
    'fs.s3a.endpoint': endpoint,
    'fs.s3a.endpoint.region': env.S3_REGION ?? 'us-east-1',
    'fs.s3a.path.style.access': 'true',
    'fs.s3a.connection.ssl.enabled': String(endpoint.startsWith('https:')),
    'fs.s3a.aws.credentials.provider': 'software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider',
    'fs.s3a.buffer.dir': buffers,
    // Every submission writes below a prefix of its own: nothing to look for before a file is made.
    'fs.s3a.performance.flags': 'create,mkdir',
    'fs.s3a.attempts.maximum': '5',
    'fs.s3a.connection.maximum': '64',
    'fs.s3a.threads.max': '32',
    // The manifest, not the commit, says what counts; so tasks may commit straight to their place.
    'mapreduce.fileoutputcommitter.algorithm.version': '2',
    'mapreduce.fileoutputcommitter.marksuccessfuljobs': 'false',
  };
  const properties = Object.entries(settings).map(
    ([name, value]) => `  <property><name>${name}</name><value>${escapeXml(value)}</value></property>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<configuration>\n${properties.join('\n')}\n</configuration>\n`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
