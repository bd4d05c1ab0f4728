/** Waits until all streams have read the loaded source to its recorded end and their results stand in Postgres. */
import type { Admin, Kafka } from 'kafkajs';
import { isDeepStrictEqual } from 'node:util';
import { SluiceError } from '../../infra/errors.js';
import { SALES_TOPIC, withAdmin } from '../../infra/kafka/admin-topics.js';
import type { Pool } from '../../infra/postgres/pool.js';
import { readSourceLoad } from '../../infra/postgres/source-loads.js';
import { streamGroupId } from '../../activities/submission.js';
import type { Pipeline } from '../../pipelines/pipeline.js';
import type { Control } from '../control.js';

export interface CatchUp {
  stream: string;
  /** Records of the source that this stream has not processed yet. */
  behind: number;
  state: string;
  /** Its supervisor has ended: it will not catch up. */
  closed?: true;
  reason?: string;
}

/** How far each stream's committed offsets are behind the loader's recorded end offsets. */
export async function streamsBehind(
  kafka: Kafka,
  pool: Pool,
  control: Control,
  pipelines: readonly Pipeline[],
): Promise<CatchUp[]> {
  const load = await readSourceLoad(pool);
  if (!load) throw new SluiceError('INVALID_REQUEST', 'no source is loaded: `npx sluice load` first');
  return withAdmin(kafka, async (admin) => {
    const topics = await admin.listTopics();
    const found: CatchUp[] = [];
    for (const pipeline of pipelines) {
      for (const stream of Object.keys(pipeline.streams)) {
        const groupId = streamGroupId(pipeline.name, stream);
        const behind = await behindEnds(admin, groupId, SALES_TOPIC, load.endOffsets);
        // Between the parts of one Kafka Streams application records wait in topics of its own.
        const between = topics.filter((topic) => topic.startsWith(`${groupId}-`) && topic.endsWith('-repartition'));
        let waiting = 0;
        for (const topic of between) {
          const ends = (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({
            partition,
            // The last transaction's marker takes an offset that no consumer commits.
            endOffset: high === '0' ? '0' : String(BigInt(high) - 1n),
          }));
          waiting += await behindEnds(admin, groupId, topic, ends);
        }
        const seen = await control.streamState(pipeline.name, stream);
        found.push({
          stream: `${pipeline.name}/${stream}`,
          behind: behind + waiting,
          state: seen?.state ?? 'not started',
          ...(seen?.closed ? { closed: true as const } : {}),
          ...(seen?.reason ? { reason: seen.reason } : {}),
        });
      }
    }
    return found;
  });
}

async function behindEnds(
  admin: Admin,
  groupId: string,
  topic: string,
  ends: readonly { partition: number; endOffset: string }[],
): Promise<number> {
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return ends.reduce((sum, { partition, endOffset }) => {
    const committed = offsets?.partitions.find((one) => one.partition === partition)?.offset ?? '-1';
    return sum + Math.max(0, Number(BigInt(endOffset) - BigInt(committed === '-1' ? '0' : committed)));
  }, 0);
}

/** Calls `probe` until it is satisfied; says what it sees whenever that changed. */
export async function waitUntil<T>(
  probe: () => Promise<T>,
  done: (seen: T) => boolean,
  options: { timeoutMs: number; what: string; everyMs?: number; say: (seen: T) => void },
): Promise<T> {
  const giveUpAt = Date.now() + options.timeoutMs;
  let last: T | undefined;
  for (;;) {
    const seen = await probe();
    if (!isDeepStrictEqual(seen, last)) options.say(seen);
    last = seen;
    if (done(seen)) return seen;
    if (Date.now() > giveUpAt) {
      throw new SluiceError(
        'LOCAL_STACK',
        `${options.what} did not end within ${options.timeoutMs / 1000} s: ${JSON.stringify(seen)}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 1_000));
  }
}
