/** What the engines themselves have, asked at their own doors: our book is not a witness in its own case. */
import { keyOfTag } from '../../engines/tags.js';
import { driverProcesses, streamProcesses } from './job-processes.js';
import type { World } from './world.js';

export interface LiveJob {
  engine: 'flink' | 'spark' | 'kafka-streams';
  id: string;
  key: string;
}

const FLINK_ENDED = new Set(['FINISHED', 'FAILED', 'CANCELED']);

export async function get(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return response.json();
}

export async function liveFlinkJobs({ config }: World, installation: string): Promise<LiveJob[]> {
  const { jobs } = (await get(`${config.FLINK_REST_URL}/jobs/overview`)) as {
    jobs: { jid: string; name: string; state: string }[];
  };
  return jobs
    .filter(({ state }) => !FLINK_ENDED.has(state))
    .map(({ jid, name }) => ({
      engine: 'flink',
      id: jid,
      key: keyOfTag(name, installation) ?? '',
    }));
}

export async function liveStreamJobs({ servers }: World): Promise<LiveJob[]> {
  return (await streamProcesses(servers.home)).map(({ pid, key }) => ({
    engine: 'kafka-streams',
    id: String(pid),
    key,
  }));
}

interface MasterPage {
  status: string;
  activeapps: { id: string; name: string }[];
  activedrivers: { id: string }[];
}

/** Applications and drivers that the master has, and drivers that live without its knowing. */
export async function liveSparkJobs(
  { config, servers }: World,
  installation: string,
  keyOfDriver: ReadonlyMap<string, string>,
): Promise<LiveJob[]> {
  const page = (await get(`${config.SPARK_MASTER_UI_URL}/json/`)) as MasterPage;
  if (page.status !== 'ALIVE') throw new Error(`the Spark master is ${page.status}`);
  const found = [
    ...page.activeapps.map(({ id, name }) => ({ id, key: keyOfTag(name, installation) ?? '' })),
    ...page.activedrivers.map(({ id }) => ({ id, key: keyOfDriver.get(id) ?? '' })),
    ...(await driverProcesses(servers.home)).map(({ pid, key }) => ({ id: `driver process ${pid}`, key })),
  ];
  return found.map((job) => ({ engine: 'spark', ...job }));
}
