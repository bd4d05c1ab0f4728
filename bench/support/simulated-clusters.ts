/** Which clusters the watch bench simulates, and the door through which it loads and changes their jobs. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { layout, startProcess } from '../../infra/local/index.js';

export interface ClusterPlan {
  name: string;
  engine: 'flink' | 'spark';
  /** Share of all jobs; 0 = none are put there in bulk. */
  share: number;
}

/** Nobody watches this one: its jobs fall back on their safety check. */
export const UNWATCHED = 'bench-flink-check';

export const CLUSTERS: readonly ClusterPlan[] = [
  ...[1, 2, 3, 4].map((number) => ({ name: `bench-flink-${number}`, engine: 'flink' as const, share: 0.2 })),
  ...[1, 2].map((number) => ({ name: `bench-spark-${number}`, engine: 'spark' as const, share: 0.1 })),
  { name: UNWATCHED, engine: 'flink', share: 0 },
];

export type JobWord = 'running' | 'restarting' | 'finished' | 'failed' | 'cancelled';

export interface SimulatedJob {
  cluster: string;
  key: string;
  tag: string;
  name: string;
  engineJobId: string;
}

/** Requests that a cluster has answered. */
export interface Seen {
  /** When its list was asked for, in ms since epoch. */
  lists: number[];
  /** All others. */
  others: number;
}

export interface SimulatedClusters {
  pid: number;
  urls: Readonly<Record<string, string>>;
  load(jobs: readonly SimulatedJob[]): Promise<void>;
  /** Changes all at one moment, by the clusters' own clock, and returns it. */
  change(changes: readonly { key: string; to: JobWord }[]): Promise<number>;
  seen(): Promise<Record<string, Seen>>;
}

const MAIN = fileURLToPath(new URL('./cluster-process.ts', import.meta.url));

export async function startSimulatedClusters(home: string): Promise<SimulatedClusters> {
  const addresses = join(layout(home).base, 'clusters.json');
  await rm(addresses, { force: true });
  const known = async (): Promise<Record<string, string> | undefined> => {
    const text = await readFile(addresses, 'utf8').catch(() => undefined);
    return text === undefined ? undefined : (JSON.parse(text) as Record<string, string>);
  };
  const { pid } = await startProcess(home, {
    name: 'clusters',
    command: process.execPath,
    args: ['--import', import.meta.resolve('tsx'), MAIN, addresses],
    env: {},
    ready: async () => (await known()) !== undefined,
  });
  const urls = (await known()) ?? {};
  const call = async (path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(`${urls['control']}${path}`, {
      method: 'POST',
      body: JSON.stringify(body ?? {}),
    });
    if (!answer.ok) throw new Error(`the simulated clusters answered ${answer.status} to ${path}`);
    return answer.json();
  };
  return {
    pid,
    urls,
    load: async (jobs) => void (await call('/load', jobs)),
    change: async (changes) => ((await call('/change', changes)) as { atMs: number }).atMs,
    seen: async () => (await call('/seen')) as Record<string, Seen>,
  };
}
