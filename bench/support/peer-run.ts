/** Measures the peer: so many jobs, each watched by one long heartbeating activity that polls the same simulated cluster. */
import { atOnce } from '../../activities/at-once.js';
import { tsToMs } from '@temporalio/common/lib/time.js';
import { stopProcess } from '../../infra/local/index.js';
import type { BenchStack } from './bench-stack.js';
import { startBenchWorker } from './bench-workers.js';
import { growth, historyLengths } from './idle-cost.js';
import { eventually, percentile, processorSeconds, residentBytes, rounded, sleep } from './measures.js';
import { UNWATCHED, type SimulatedClusters } from './simulated-clusters.js';
import type { PeerOrder } from './watch-peer.js';

const QUEUE = 'bench-peer';
const IDLE_MS = 15_000;
const BUSY_MS = 20_000;

export async function measurePeer(
  stack: BenchStack,
  clusters: SimulatedClusters,
  order: { jobs: number; intervalMs: number; bundle: string },
): Promise<Record<string, number | string>> {
  const { client } = stack.temporal;
  const keys = Array.from({ length: order.jobs }, (_, index) => `peer${String(index).padStart(28, '0')}`);
  await clusters.load(
    keys.map((key) => ({ cluster: UNWATCHED, key, engineJobId: key, tag: `sluice:peer:${key}`, name: 'peer' })),
  );
  const full: PeerOrder = { ...order, address: stack.config.TEMPORAL_ADDRESS, taskQueue: QUEUE };
  const env = { ...stack.env, SLUICE_BENCH_PEER: JSON.stringify(full) };
  const pid = await startBenchWorker(stack.home, 'bench-peer', 'watch-peer', env);
  const temporal = await stack.process('temporal');
  try {
    const url = clusters.urls[UNWATCHED];
    const ids = keys.map((key) => `peer/${key}`);
    await atOnce(keys, 24, async (key) => {
      const args = [{ url, key }];
      await client.workflow.start('pollingJobOwner', { workflowId: `peer/${key}`, taskQueue: QUEUE, args });
    });
    const others = async (): Promise<number> => (await clusters.seen())[UNWATCHED]?.others ?? 0;
    await eventually('all are polled', 120_000, async () => {
      const before = await others();
      await sleep(order.intervalMs);
      return (await others()) - before > order.jobs * 0.85;
    });

    const lengths = await historyLengths(client, ids);
    const asked = await others();
    const used = (await processorSeconds(pid)) + (await processorSeconds(temporal.pid));
    const startedMs = Date.now();
    await sleep(IDLE_MS);
    const idleMs = Date.now() - startedMs;
    const requests = (await others()) - asked;
    const seconds = (await processorSeconds(pid)) + (await processorSeconds(temporal.pid)) - used;
    const events = growth(lengths, await historyLengths(client, ids));
    const rss = await residentBytes(pid);

    const changed = new Map<string, number>();
    const perTick = Math.max(1, Math.round(order.jobs / 100));
    const fresh = [...keys];
    for (const untilMs = Date.now() + BUSY_MS; Date.now() < untilMs; await sleep(order.intervalMs)) {
      const chosen = fresh.splice(0, perTick);
      const atMs = await clusters.change(chosen.map((key) => ({ key, to: 'restarting' as const })));
      for (const key of chosen) changed.set(key, atMs);
    }
    await sleep(2 * order.intervalMs);
    const notices: number[] = [];
    await atOnce([...changed], 16, async ([key, atMs]) => {
      const { events: all = [] } = await client.workflow.getHandle(`peer/${key}`).fetchHistory();
      const done = all?.find(({ activityTaskCompletedEventAttributes }) => activityTaskCompletedEventAttributes);
      notices.push(done?.eventTime ? tsToMs(done.eventTime) - atMs : Number.POSITIVE_INFINITY);
    });
    return {
      what: 'one long heartbeating activity per job that polls',
      jobs: order.jobs,
      requests_per_interval: rounded((requests * order.intervalMs) / idleMs),
      idle_events_per_job_hour: rounded(events / ((order.jobs * idleMs) / 3_600_000)),
      rss_mib: rounded(rss / 2 ** 20, 0),
      notice_intervals_p99: rounded(percentile(notices, 0.99) / order.intervalMs),
      idle_cpu_percent: rounded((seconds * 100_000) / idleMs, 1),
      idle_cpu_percent_per_1000_jobs: rounded((seconds * 100_000_000) / idleMs / order.jobs, 1),
    };
  } finally {
    await stopProcess(stack.home, 'bench-peer');
  }
}
