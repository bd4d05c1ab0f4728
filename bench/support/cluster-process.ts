/** Process of the simulated clusters: Flink session clusters and Spark masters that answer in the engines' own REST forms. */
import { rename, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerFlink } from './flink-forms.js';
import { answerSpark } from './spark-forms.js';
import { CLUSTERS, type ClusterPlan, type JobWord, type Seen, type SimulatedJob } from './simulated-clusters.js';

export interface LivingJob extends SimulatedJob {
  word: JobWord;
  startedMs: number;
  changedMs: number;
}

export interface Cluster extends ClusterPlan {
  url: string;
  jobs: Map<string, LivingJob>;
  /** Job jars that were brought to it. */
  jars: { id: string; name: string; uploaded: number }[];
  seen: Seen;
  accept(job: SimulatedJob): void;
}

export interface Asked {
  method: string;
  path: string;
  body: Buffer;
}

/** A list answer is counted apart from all others. */
export interface Answered {
  status?: number;
  json: unknown;
  isList?: boolean;
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Listens on a free port and returns the address. */
async function serve(answer: (asked: Asked) => Answered): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const path = new URL(incoming.url ?? '/', 'http://127.0.0.1').pathname;
      const { status, json } = answer({ method: incoming.method ?? 'GET', path, body: await bodyOf(incoming) });
      outgoing.writeHead(status ?? 200, { 'content-type': 'application/json' });
      outgoing.end(typeof json === 'string' ? json : JSON.stringify(json));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const clusters = new Map<string, Cluster>();
const jobs = new Map<string, LivingJob>();

function accept(job: SimulatedJob): void {
  const now = Date.now();
  const living: LivingJob = { ...job, word: 'running', startedMs: now, changedMs: now };
  jobs.set(job.key, living);
  clusters.get(job.cluster)?.jobs.set(job.key, living);
}

for (const plan of CLUSTERS) {
  const cluster: Cluster = { ...plan, url: '', jobs: new Map(), jars: [], seen: { lists: [], others: 0 }, accept };
  cluster.url = await serve((asked) => {
    const answered = (plan.engine === 'flink' ? answerFlink : answerSpark)(cluster, asked);
    if (answered.isList) cluster.seen.lists.push(Date.now());
    else cluster.seen.others += 1;
    return answered;
  });
  clusters.set(plan.name, cluster);
}

function control({ path, body }: Asked): Answered {
  const given: unknown = JSON.parse(body.toString('utf8'));
  if (path === '/load') for (const job of given as SimulatedJob[]) accept(job);
  if (path === '/seen') return { json: Object.fromEntries([...clusters].map(([name, { seen }]) => [name, seen])) };
  const atMs = Date.now();
  if (path === '/change') {
    for (const { key, to } of given as { key: string; to: JobWord }[]) {
      const job = jobs.get(key);
      if (job === undefined) return { status: 404, json: { unknown: key } };
      Object.assign(job, { word: to, changedMs: atMs });
    }
  }
  return { json: { atMs } };
}

const urls = {
  control: await serve(control),
  ...Object.fromEntries([...clusters].map(([name, { url }]) => [name, url])),
};
const target = process.argv[2];
if (target === undefined) throw new Error('give the file that takes the addresses');
await writeFile(`${target}.part`, JSON.stringify(urls));
await rename(`${target}.part`, target);
process.once('SIGTERM', () => process.exit(0));
