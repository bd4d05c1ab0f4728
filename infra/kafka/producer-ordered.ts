/**
 * Writes a sequence of transactions that become visible strictly in order, without waiting for each one's end.
 *
 * A transactional producer may begin its next transaction only when the markers of the last one are written, which
 * costs a round of retries per transaction. So a few producers take turns: while one commits, the next already sends.
 * It commits only after the one before it did, so a crash leaves a prefix of the sequence and nothing else.
 */
import kafkajs, { type Kafka, type Message, type Producer, type RecordMetadata, type Transaction } from 'kafkajs';
import { toKafkaError } from './client.js';

export interface OrderedTransactions {
  /** Sends one transaction. Resolves when its records are acknowledged; the commit follows in order. */
  send(topic: string, messages: Message[]): Promise<RecordMetadata[]>;
  /** Waits until everything sent is committed. */
  flush(): Promise<void>;
  /** Ends the producers; what was not committed is aborted. */
  close(): Promise<void>;
}

export interface OrderedTransactionsOptions {
  /** Common part of the transactional ids. Opening them again fences every older writer and ends its transactions. */
  transactionalId: string;
  /** How many producers take turns; default 3. */
  producers?: number;
}

/** Short first pause: the usual wait is for transaction markers, a few milliseconds away. */
const RETRY = { initialRetryTime: 4, multiplier: 1.5, factor: 0.2, maxRetryTime: 500, retries: 30 };

export async function openOrderedTransactions(
  kafka: Kafka,
  options: OrderedTransactionsOptions,
): Promise<OrderedTransactions> {
  const producers: Producer[] = [];
  const ready: (Transaction | undefined)[] = [];
  for (let index = 0; index < (options.producers ?? 3); index += 1) {
    producers.push(
      kafka.producer({
        transactionalId: `${options.transactionalId}-${index}`,
        // Murmur2 of the key, as the Java clients do it.
        createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
        maxInFlightRequests: 1,
        transactionTimeout: 60_000,
        retry: RETRY,
      }),
    );
  }
  const disconnect = (): Promise<unknown> => Promise.allSettled(producers.map((producer) => producer.disconnect()));
  try {
    // Every id is fenced before the first record is sent. The first transaction object carries the new epoch.
    for (const producer of producers) {
      await producer.connect();
      ready.push(await producer.transaction());
    }
  } catch (error) {
    await disconnect();
    throw toKafkaError(error, 'cannot open the transactional producer');
  }

  let turn = 0;
  let lastCommit: Promise<void> = Promise.resolve();
  /** Commit under way per producer: its next transaction begins after it. */
  const commits: (Promise<void> | undefined)[] = producers.map(() => undefined);

  async function begin(index: number): Promise<Transaction> {
    await commits[index];
    const prepared = ready[index];
    if (prepared) {
      ready[index] = undefined;
      return prepared;
    }
    return (producers[index] as Producer).transaction();
  }

  return {
    async send(topic, messages) {
      const index = turn;
      turn = (turn + 1) % producers.length;
      try {
        const transaction = await begin(index);
        const answer = await transaction.send({ topic, messages, acks: -1 }).catch(async (error: unknown) => {
          // Otherwise readers would stop in front of the open transaction until it times out.
          await transaction.abort().catch(() => undefined);
          throw error;
        });
        const before = lastCommit;
        const commit = before.then(() => transaction.commit());
        // A failed commit is thrown by the next send or flush; here it only must not count as unhandled.
        commit.catch(() => undefined);
        commits[index] = commit;
        lastCommit = commit;
        return answer;
      } catch (error) {
        throw toKafkaError(error, `cannot write to topic ${topic}`);
      }
    },

    async flush() {
      try {
        await lastCommit;
      } catch (error) {
        throw toKafkaError(error, 'cannot commit the transaction');
      }
    },

    async close() {
      await lastCommit.catch(() => undefined);
      await disconnect();
    },
  };
}
