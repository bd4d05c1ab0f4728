/** What really ran on Spark, from its worker's folders and its event logs: both outlive a master that forgets. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keyOfTag } from '../../engines/tags.js';
import { layout, waitFor } from '../../infra/local/index.js';
import { get } from './engine-view.js';
import type { World } from './world.js';

export interface SparkDriverSeen {
  id: string;
  key: string;
  /** It said itself that another driver has the submission. */
  lostTheClaim: boolean;
}

export interface SparkAppSeen {
  id: string;
  key: string;
  /** `<pipeline>/<stage> <partition>`. */
  name: string;
  /** Jobs that it ran; one that only registered has none. */
  jobs: number;
  startMs: number;
  /** Its end, or the last sign of life of one that was cut off. */
  endMs: number;
}

/** Every driver that was ever launched for one of our submissions. */
export async function driversSeen({ servers }: World): Promise<SparkDriverSeen[]> {
  const work = join(layout(servers.home).data, 'spark', 'work');
  const seen: SparkDriverSeen[] = [];
  for (const id of (await readdir(work)).filter((name) => name.startsWith('driver-'))) {
    const stderr = await readFile(join(work, id, 'stderr'), 'utf8').catch(() => '');
    const key = /-Dspark\.sluice\.key=([0-9a-f]{32})/.exec(stderr)?.[1];
    if (key !== undefined) seen.push({ id, key, lostTheClaim: /"class":"[^"]*Claim\$Lost"/.test(stderr) });
  }
  return seen;
}

interface HistoryApp {
  id: string;
  name: string;
  attempts: { startTimeEpoch: number; endTimeEpoch: number; lastUpdatedEpoch: number; completed: boolean }[];
}

/** Every application that ever registered, by the history server; waits until it has read all event logs. */
export async function appsSeen(world: World, installation: string): Promise<SparkAppSeen[]> {
  const history = `${world.config.SPARK_HISTORY_URL}/api/v1/applications`;
  const logs = join(layout(world.servers.home).data, 'spark', 'events');
  let apps: HistoryApp[] = [];
  const whole = await waitFor(
    async () => {
      apps = (await get(`${history}?limit=100000`)) as HistoryApp[];
      const known = new Set(apps.map(({ id }) => id));
      const written = (await readdir(logs)).flatMap((name) => /(app-\d+-\d+)/.exec(name)?.[1] ?? []);
      return written.every((id) => known.has(id));
    },
    60_000,
    1_000,
  );
  if (!whole) world.problems.push('the history server does not show all event logs');
  const seen: SparkAppSeen[] = [];
  for (const { id, name, attempts } of apps) {
    const key = keyOfTag(name, installation);
    const [attempt] = attempts;
    if (key === undefined || attempt === undefined) continue;
    const jobs = (await get(`${history}/${id}/jobs`)) as unknown[];
    seen.push({
      id,
      key,
      name: name.slice(name.indexOf(' ') + 1),
      jobs: jobs.length,
      startMs: attempt.startTimeEpoch,
      endMs: attempt.completed ? attempt.endTimeEpoch : attempt.lastUpdatedEpoch,
    });
  }
  return seen;
}

/** Pairs of applications that worked for the same stage at the same time, under different submissions. */
export function worksAtOnce(apps: readonly SparkAppSeen[]): [SparkAppSeen, SparkAppSeen][] {
  const working = apps.filter(({ jobs }) => jobs > 0).sort((a, b) => a.startMs - b.startMs);
  return working.flatMap((first, at) =>
    working
      .slice(at + 1)
      .filter(({ name, key, startMs }) => name === first.name && key !== first.key && startMs < first.endMs)
      .map((second): [SparkAppSeen, SparkAppSeen] => [first, second]),
  );
}
