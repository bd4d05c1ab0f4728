/** Submits one job from several processes at the same moment: run by itself it is one of those processes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createJarCatalog } from '../../engines/artifacts.js';
import { createFlinkEngine } from '../../engines/flink/engine.js';
import type { FlinkEngineConfig } from '../../engines/flink/engine.js';
import { createKafkaStreamsEngine } from '../../engines/kafka-streams/engine.js';
import type { KafkaStreamsEngineConfig } from '../../engines/kafka-streams/engine.js';
import type { EngineName, EnginePort, JobSpec } from '../../engines/port.js';
import { createSparkEngine } from '../../engines/spark/engine.js';
import type { SparkEngineConfig } from '../../engines/spark/engine.js';
import { waitFor } from '../../engines/waiting.js';
import { isSluiceError } from '../../infra/errors.js';
import { createS3 } from '../../infra/s3/client.js';
import { createObjectStore } from '../../infra/s3/object-store.js';

/** Configurations only; what is secret (the object store's keys) the processes take from their environment. */
export interface SubmissionOrder {
  engine:
    | { name: 'flink'; config: FlinkEngineConfig }
    | { name: 'spark'; config: SparkEngineConfig }
    | { name: 'kafka-streams'; config: KafkaStreamsEngineConfig };
  jars: Record<EngineName, string>;
  spec: JobSpec;
  key: string;
  limitMs: number;
}

const SELF = fileURLToPath(import.meta.url);

/** Resolves when all have an outcome; rejects with the first complaint. */
export async function submitFromProcesses(order: SubmissionOrder, count = 2): Promise<void> {
  const children = Array.from({ length: count }, () => {
    const child = spawn(process.execPath, ['--import', 'tsx', SELF], { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.write(`${JSON.stringify(order)}\n`);
    let complaint = '';
    child.stderr.on('data', (part: Buffer) => (complaint += part.toString()));
    const ended = once(child, 'exit').then(([code]) => {
      if (code !== 0) throw new Error(`a submitting process ended with ${String(code)}: ${complaint}`);
    });
    return { child, ready: Promise.race([once(child.stdout, 'data'), ended]), ended };
  });
  await Promise.all(children.map(({ ready }) => ready));
  for (const { child } of children) child.stdin.end('go\n');
  await Promise.all(children.map(({ ended }) => ended));
}

function engineOf({ engine, jars }: SubmissionOrder): EnginePort {
  const deps = { jars: createJarCatalog(jars) };
  if (engine.name === 'flink') return createFlinkEngine(engine.config, deps);
  if (engine.name === 'kafka-streams') return createKafkaStreamsEngine(engine.config, deps);
  const { S3_ENDPOINT = '', S3_ACCESS_KEY_ID = '', S3_SECRET_ACCESS_KEY = '' } = process.env;
  const s3 = createS3({ endpoint: S3_ENDPOINT, accessKeyId: S3_ACCESS_KEY_ID, secretAccessKey: S3_SECRET_ACCESS_KEY });
  return createSparkEngine(engine.config, { ...deps, objects: createObjectStore(s3) });
}

async function beOne(): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const order = JSON.parse(String((await lines.next()).value)) as SubmissionOrder;
  const engine = engineOf(order);
  process.stdout.write('ready\n');
  await lines.next();
  const seen = await waitFor(
    async () => {
      try {
        return await engine.submit(order.spec, order.key);
      } catch (error) {
        if (isSluiceError(error) && error.retryable) return undefined;
        throw error;
      }
    },
    { deadlineMs: order.limitMs, intervalMs: 200 },
  );
  if (seen === undefined) throw new Error('the submission has no outcome within the limit');
}

if (process.argv[1] === SELF) {
  await beOne();
  // Connections that are kept for a next request would hold the process.
  process.exit(0);
}
