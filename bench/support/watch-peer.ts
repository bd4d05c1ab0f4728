/** Process of the peer: one long heartbeating activity per job that asks the engine about it each interval. */
import { Context } from '@temporalio/activity';
import { NativeConnection, Worker } from '@temporalio/worker';
import { READY_LINE } from '../../workers/process-marks.js';
import { sleep } from './measures.js';

export interface PollActivities {
  /** Returns when the job's state is another one than the given. */
  pollUntilChanged(input: { url: string; key: string; state: string }): Promise<{ state: string }>;
}

/** Given as JSON in SLUICE_BENCH_PEER. */
export interface PeerOrder {
  address: string;
  taskQueue: string;
  bundle: string;
  intervalMs: number;
  jobs: number;
}

const activities: PollActivities = {
  async pollUntilChanged({ url, key, state }) {
    const { heartbeat, cancellationSignal } = Context.current();
    for (;;) {
      cancellationSignal.throwIfAborted();
      const answer = await fetch(`${url}/jobs/${key}`, { signal: cancellationSignal });
      const seen = (await answer.json()) as { state: string };
      if (seen.state !== state) return { state: seen.state };
      heartbeat();
      await sleep(order.intervalMs * (0.9 + 0.2 * Math.random()));
    }
  },
};

const order = JSON.parse(process.env['SLUICE_BENCH_PEER'] ?? '{}') as PeerOrder;
const connection = await NativeConnection.connect({ address: order.address });
const worker = await Worker.create({
  connection,
  taskQueue: order.taskQueue,
  workflowBundle: { codePath: order.bundle },
  activities,
  maxConcurrentActivityTaskExecutions: order.jobs + 10,
  maxCachedWorkflows: 500,
  maxHeartbeatThrottleInterval: '2s',
  defaultHeartbeatThrottleInterval: '2s',
  shutdownGraceTime: '1s',
  shutdownForceTime: '5s',
});
process.once('SIGTERM', () => worker.shutdown());
const running = worker.run();
process.stderr.write(`{${READY_LINE}}\n`);
await running;
await connection.close();
process.exit(0);
