/** A namespace of its own on a real Temporal server, with workers that run the product's workflows on fake activities. */
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { workflowBundle } from '../../workers/bundle.js';
import type { Activities } from '../../workflows/contracts/activities.js';
import { SEARCH_ATTRIBUTE_NAMES, SluicePipeline } from '../../workflows/contracts/search-attributes.js';
import { CONTROL_QUEUE, engineQueue } from '../../workflows/contracts/task-queues.js';
import { until } from './workflow-until.js';

export const NO_TEMPORAL = process.env['TEMPORAL_ADDRESS'] === undefined ? 'TEMPORAL_ADDRESS is not set' : false;

/** Host that plays the cluster of Kafka Streams. */
export const TEST_HOST = 'local';
/** Stands in histories instead of process and host name. */
const IDENTITY = 'sluice-test';
const KEYWORD = 2;

export interface WorkflowBench {
  client: Client;
  namespace: string;
  /** Starts a workflow by its type name on the control queue. */
  start(type: string, workflowId: string, ...args: unknown[]): Promise<WorkflowHandle>;
  /** Ends workers and connections and deletes the namespace. */
  close(): Promise<void>;
}

/** Errors only: the failures that tests bring about are logged as warnings. */
export function installQuietRuntime(): void {
  const filter = makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' });
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter } },
    shutdownSignals: [],
  });
}

export const testBundlePath = (): Promise<string> => workflowBundle(join(tmpdir(), 'sluice-test-bundle'));

export async function openWorkflowBench(activities: Activities): Promise<WorkflowBench> {
  installQuietRuntime();
  const address = process.env['TEMPORAL_ADDRESS'] as string;
  const namespace = `sluice-test-${randomBytes(6).toString('hex')}`;
  const codePath = await testBundlePath();
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace, identity: IDENTITY });
  await makeNamespace(client, namespace);
  const native = await NativeConnection.connect({ address });
  const worker = (taskQueue: string): Promise<Worker> =>
    Worker.create({
      connection: native,
      namespace,
      taskQueue,
      identity: IDENTITY,
      activities,
      ...(taskQueue === CONTROL_QUEUE ? { workflowBundle: { codePath } } : {}),
      // A cancel reaches an activity with its next heartbeat, so heartbeats must not be held back for long.
      maxHeartbeatThrottleInterval: '200ms',
      defaultHeartbeatThrottleInterval: '200ms',
      shutdownGraceTime: '100ms',
      shutdownForceTime: '2s',
    });
  const queues = [
    CONTROL_QUEUE,
    engineQueue('spark', 'spark'),
    engineQueue('flink', 'flink'),
    engineQueue('kafka-streams', TEST_HOST),
  ];
  const workers = await Promise.all(queues.map(worker));
  const running = Promise.all(workers.map((one) => one.run()));
  return {
    client,
    namespace,
    start: (type, workflowId, ...args) => client.workflow.start(type, { workflowId, taskQueue: CONTROL_QUEUE, args }),
    async close() {
      await terminateOpen(client);
      for (const one of workers) one.shutdown();
      await running;
      await native.close();
      await connection.operatorService.deleteNamespace({ namespace });
      await connection.close();
    },
  };
}

/** Registers it with the product's search attributes, and waits until the server takes them. */
async function makeNamespace(client: Client, namespace: string): Promise<void> {
  const { connection } = client;
  await client.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  const searchAttributes = Object.fromEntries(SEARCH_ATTRIBUTE_NAMES.map((name) => [name, KEYWORD]));
  const works = (call: () => Promise<unknown>) => () =>
    call().then(
      () => true,
      () => false,
    );
  await until(
    `search attributes of ${namespace}`,
    works(() => (connection as Connection).operatorService.addSearchAttributes({ namespace, searchAttributes })),
  );
  const probe = { taskQueue: 'nobody', typedSearchAttributes: [{ key: SluicePipeline, value: 'probe' }] };
  await until(
    `namespace ${namespace}`,
    works(async () => {
      const handle = await client.workflow.start('probe', { ...probe, workflowId: 'probe' });
      await handle.terminate();
    }),
  );
}

async function terminateOpen(client: Client): Promise<void> {
  for await (const { workflowId } of client.workflow.list({ query: 'ExecutionStatus = "Running"' })) {
    await client.workflow
      .getHandle(workflowId)
      .terminate('the tests are over')
      .catch(() => undefined);
  }
}
