/** Draws from the seed, before anything starts, which faults hit when in each round and which runs they meet. */
import { addDays } from '../../pipelines/days.js';
import type { ProxyMode } from './fault-proxy.js';
import { seededRandom, type Random } from './random.js';
import type { DoorName } from './world.js';

export const KILLED = {
  'worker-kill': 'chaos-worker',
  'host-worker-kill': 'chaos-host',
  'flink-jobmanager-kill': 'flink-jobmanager',
  'flink-taskmanager-kill': 'flink-taskmanager',
  'spark-master-kill': 'spark-master',
  'spark-worker-kill': 'spark-worker',
} as const;
export type KillName = keyof typeof KILLED;

export const TROUBLED = {
  'flink-answers': 'flink',
  'spark-answers': 'sparkRest',
  'spark-page-answers': 'sparkUi',
  'spark-lost-submit': 'sparkRest',
  'flink-lost-submit': 'flink',
} as const satisfies Record<string, DoorName>;
export type TroubleName = keyof typeof TROUBLED;

export type FaultName = KillName | TroubleName | 'streams-jvm-kill' | 'worker-pause';

export type Fault = { atMs: number; forMs: number } & (
  { name: KillName | 'streams-jvm-kill' | 'worker-pause' } | { name: TroubleName; mode: ProxyMode }
);

export type RunKind = 'chain' | 'user-error' | 'cancel' | 'terminate';

export interface PlannedRun {
  kind: RunKind;
  pipeline: string;
  day: string;
  atMs: number;
  /** When it is cancelled or terminated, counted from its start. */
  endAfterMs: number;
}

export interface Round {
  faults: Fault[];
  runs: PlannedRun[];
}

export const FAULTS: readonly FaultName[] = [
  ...(Object.keys(KILLED) as KillName[]),
  ...(Object.keys(TROUBLED) as TroubleName[]),
  // A killed worker is the fault that the whole design is about: it comes twice as often.
  'worker-kill',
  'streams-jvm-kill',
  'worker-pause',
];

const PIPELINE_OF: Record<RunKind, string> = {
  chain: 'chaos-chain',
  'user-error': 'chaos-user-error',
  cancel: 'chaos-long',
  terminate: 'chaos-long',
};
const FIRST_DAY = '2024-01-01';
const RUNS_A_ROUND = 3;
const SECOND: readonly RunKind[] = ['user-error', 'cancel', 'terminate', 'chain'];

export function drawSchedule(seed: number, rounds: number): Round[] {
  const random = seededRandom(seed);
  let deck: FaultName[] = [];
  const deal = (count: number): FaultName[] => {
    const dealt: FaultName[] = [];
    while (dealt.length < count) {
      if (deck.length === 0) deck = random.some(FAULTS, FAULTS.length);
      // Two faults of one process or one door in a round would undo each other.
      const at = deck.findIndex(
        (name) => !dealt.some((other) => targets(other).some((one) => targets(name).includes(one))),
      );
      if (at < 0) break;
      dealt.push(...deck.splice(at, 1));
    }
    return dealt;
  };
  return Array.from({ length: rounds }, (_, round) => {
    const kinds: RunKind[] = ['chain', SECOND[round % SECOND.length] ?? 'chain'];
    if (random.next() < 0.3) kinds.push(random.pick<RunKind>(['chain', 'user-error']));
    return {
      faults: deal(random.int(1, 3)).map((name) => drawFault(name, random)),
      runs: kinds.map((kind, slot) => ({
        kind,
        pipeline: PIPELINE_OF[kind],
        day: addDays(FIRST_DAY, round * RUNS_A_ROUND + slot),
        atMs: random.int(0, 4_000),
        endAfterMs: random.int(1_000, 20_000),
      })),
    };
  });
}

/** The processes and doors that a fault needs for itself. */
export function targets(name: FaultName): string[] {
  if (name === 'worker-pause') return [KILLED['worker-kill']];
  if (name === 'streams-jvm-kill') return [name];
  // A stream is submitted again when its JobManager has forgotten it.
  if (name === 'flink-lost-submit') return [TROUBLED[name], KILLED['flink-jobmanager-kill']];
  return [name in KILLED ? KILLED[name as KillName] : TROUBLED[name as TroubleName]];
}

function drawFault(name: FaultName, random: Random): Fault {
  const atMs = random.int(0, 20_000);
  switch (name) {
    case 'spark-answers':
      // Early, for this door is asked about submissions and ends only.
      return { name, atMs: random.int(0, 6_000), forMs: random.int(5_000, 25_000), mode: drawMode(random) };
    case 'flink-answers':
    case 'spark-page-answers':
      return { name, atMs, forMs: random.int(3_000, 20_000), mode: drawMode(random) };
    case 'spark-lost-submit':
    case 'flink-lost-submit':
      // From the start, so that it meets the submissions of the round.
      return { name, atMs: 0, forMs: random.int(8_000, 20_000), mode: { kind: 'drop-submit' } };
    case 'worker-pause':
      return { name, atMs, forMs: random.int(10_000, 45_000) };
    case 'worker-kill':
    case 'host-worker-kill':
    case 'flink-jobmanager-kill':
    case 'flink-taskmanager-kill':
    case 'spark-master-kill':
    case 'spark-worker-kill':
    case 'streams-jvm-kill':
      return { name, atMs, forMs: random.int(0, 8_000) };
  }
}

function drawMode(random: Random): ProxyMode {
  const kind = random.pick(['drop-answer', 'refuse', 'delay', 'bad-gateway'] as const);
  // Longer than an ordinary request may take, or shorter.
  return kind === 'delay' ? { kind, ms: random.int(500, 15_000) } : { kind };
}
