/** Waits until all streams have read the loaded source to its recorded end and their results stand in Postgres. */
import type { Kafka } from 'kafkajs';
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
    const found: CatchUp[] = [];
    for (const pipeline of pipelines) {
      for (const stream of Object.keys(pipeline.streams)) {
        const groupId = streamGroupId(pipeline.name, stream);
        const [topic] = await admin.fetchOffsets({ groupId, topics: [SALES_TOPIC] });
        const behind = load.endOffsets.reduce((sum, { partition, endOffset }) => {
          const committed = topic?.partitions.find((one) => one.partition === partition)?.offset ?? '-1';
          return sum + Math.max(0, Number(BigInt(endOffset) - BigInt(committed === '-1' ? '0' : committed)));
        }, 0);
        const state = (await control.streamState(pipeline.name, stream))?.state ?? 'not started';
        found.push({ stream: `${pipeline.name}/${stream}`, behind, state });
      }
    }
    return found;
  });
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
