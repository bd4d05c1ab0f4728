/** The streams that live through all rounds: started once, healthy after each round, exact at the end. */
import { messageOf } from '../../infra/errors.js';
import { waitFor } from '../../infra/local/index.js';
import { liveFlinkJobs, liveStreamJobs, type LiveJob } from './engine-view.js';
import type { SalesFeed } from './sales-feed.js';
import type { World } from './world.js';

export const PIPELINE = 'chaos-streams';
export const STREAMS = ['live', 'sliding'] as const;
export const TABLES = ['city_sales_live', 'city_sales_sliding'] as const;

export async function startStreams({ control }: World): Promise<void> {
  for (const table of TABLES) await control.ensureSync(PIPELINE, table);
  for (const stream of STREAMS) await control.ensureStream(PIPELINE, stream);
}

/** Waits until each runs by its supervisor's word and by its engine's; what is missing at the deadline, or nothing. */
export async function streamsRun(world: World, installation: string, timeoutMs: number): Promise<string | undefined> {
  let missing = '';
  const ok = await waitFor(
    async () => {
      missing = await whatIsMissing(world, installation).catch(messageOf);
      return missing === '';
    },
    timeoutMs,
    500,
  );
  return ok ? undefined : missing;
}

async function whatIsMissing(world: World, installation: string): Promise<string> {
  const live: Record<(typeof STREAMS)[number], LiveJob[]> = {
    live: await liveStreamJobs(world),
    sliding: await liveFlinkJobs(world, installation),
  };
  for (const stream of STREAMS) {
    const state = await world.control.streamState(PIPELINE, stream);
    if (state?.state !== 'running') return `${stream} is ${state?.state}: ${state?.reason ?? 'no reason'}`;
    const [job, ...more] = live[stream];
    if (job === undefined) return `${stream}: its engine has no living job`;
    if (more.length > 0) return `${stream}: ${more.length + 1} living jobs at its engine`;
    if (job.key !== state.key) return `${stream}: submission ${state.key} is wanted, ${job.key} lives`;
  }
  return '';
}

const ACTUAL = {
  city_sales_live: `select business_date::text || ' ' || city as name, sales::text from curated.city_sales_live`,
  city_sales_sliding: `select window_start::text || ' ' || city as name, sales::text from curated.city_sales_sliding`,
};

/** Waits until both tables hold exactly what was sold, row by row: nothing lost, nothing counted twice. */
export async function tablesAgree(world: World, feed: SalesFeed, timeoutMs: number): Promise<string[]> {
  let differences: string[] = [];
  await waitFor(
    async () => {
      differences = [
        ...(await differencesOf(world, 'city_sales_live', feed.totals())),
        ...(await differencesOf(world, 'city_sales_sliding', feed.windows())),
      ];
      return differences.length === 0;
    },
    timeoutMs,
    500,
  );
  return differences;
}

async function differencesOf(
  { pool }: World,
  table: (typeof TABLES)[number],
  wanted: ReadonlyMap<string, string>,
): Promise<string[]> {
  const { rows } = await pool.query<{ name: string; sales: string }>(ACTUAL[table]);
  const found = new Map(rows.map(({ name, sales }) => [name, sales]));
  const wrong = [...new Set([...wanted.keys(), ...found.keys()])].filter(
    (name) => wanted.get(name) !== found.get(name),
  );
  if (wrong.length === 0 && rows.length === wanted.size) return [];
  const samples = wrong
    .sort()
    .slice(0, 3)
    .map((name) => `${name}: ${found.get(name) ?? 'nothing'} for ${wanted.get(name) ?? 'nothing'}`);
  return [`curated.${table}: ${rows.length} rows for ${wanted.size}, ${wrong.length} differ (${samples.join('; ')})`];
}
