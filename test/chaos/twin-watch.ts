/** Looks every second or two whether a stream has two living jobs at once; two looks in a row are a proof, one is a race. */
import { setTimeout as delay } from 'node:timers/promises';
import { liveFlinkJobs, liveStreamJobs } from './engine-view.js';
import type { World } from './world.js';

const EVERY_MS = 1_500;

export interface TwinWatch {
  looks: number;
  /** One line per pair of twins. */
  twins: string[];
  /** Kafka Streams JVMs seen, by key. */
  pids: Map<string, Set<string>>;
  stop(): Promise<void>;
}

export function watchForTwins(world: World, installation: string): TwinWatch {
  const stopping = new AbortController();
  const watch: TwinWatch = { looks: 0, twins: [], pids: new Map(), stop: async () => {} };
  let suspects = new Set<string>();
  const look = async (): Promise<void> => {
    const now = new Set<string>();
    // An engine that is being restarted has nothing to say.
    const flink = await liveFlinkJobs(world, installation).catch(() => []);
    const streams = await liveStreamJobs(world);
    for (const { key, id } of streams) watch.pids.set(key, (watch.pids.get(key) ?? new Set()).add(id));
    for (const jobs of [flink, streams]) {
      if (jobs.length > 1) now.add(`${jobs[0]?.engine}: ${jobs.map(({ id, key }) => `${id} (${key})`).join(', ')}`);
    }
    for (const twin of now) if (suspects.has(twin) && !watch.twins.includes(twin)) watch.twins.push(twin);
    suspects = now;
    watch.looks += 1;
  };
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await look();
      await delay(EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = loop();
  watch.stop = async () => {
    stopping.abort();
    await running;
  };
  return watch;
}
