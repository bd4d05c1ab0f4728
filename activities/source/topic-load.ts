/** Writes the canonical sales to the source topic: one transaction per calendar day, every day closed in every partition. */
import type { Kafka, Message } from 'kafkajs';
import { SluiceError } from '../../infra/errors.js';
import { DEFAULT_PARTITIONS } from '../../infra/kafka/admin-topics.js';
import { openOrderedTransactions } from '../../infra/kafka/producer-ordered.js';
import type { EndOffset } from '../../infra/postgres/source-loads.js';
import { addDays } from '../../pipelines/days.js';
import { literal, type SourceDatabase } from './database.js';
import type { SaleSummary } from './canonical.js';
import { LOAD_HEADER, readTopicState } from './topic-state.js';

export interface TopicLoadRequest {
  db: SourceDatabase;
  kafka: Kafka;
  topic: string;
  source: string;
  contentHash: string;
  summary: SaleSummary;
  onDay?: (day: string) => void;
  signal?: AbortSignal;
}

export interface TopicLoadResult {
  /** First day written now; undefined when everything was there. */
  from: string | undefined;
  daysWritten: number;
  endOffsets: EndOffset[];
}

const SALE_ROWS = `select order_id, line, strftime(order_date, '%Y-%m-%d') as day, country, state, city, employee_key,
  salesman, cast(amount as varchar) as amount from sale`;

function midnightMs(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

export function saleMessage(row: readonly (string | null)[]): { day: string; message: Message } {
  const [order_id, line, day, country, state, city, employee_key, salesman, amount] = row as string[];
  const value = {
    type: 'sale',
    order_id,
    line: Number(line),
    order_date: day,
    country,
    state,
    city,
    employee_key,
    salesman,
    amount,
    ts: `${day}T00:00:00Z`,
  };
  const message = {
    key: `${country}|${state}|${city}`,
    value: JSON.stringify(value),
    timestamp: String(midnightMs(day as string)),
  };
  return { day: day as string, message };
}

export function closingMessages(day: string, contentHash: string, partitions = DEFAULT_PARTITIONS): Message[] {
  const next = addDays(day, 1);
  const value = JSON.stringify({ type: 'dayClosed', day, ts: `${next}T00:00:00Z` });
  const headers = { [LOAD_HEADER]: contentHash };
  return Array.from({ length: partitions }, (_, partition) => ({
    key: 'dayClosed',
    value,
    partition,
    timestamp: String(midnightMs(next)),
    headers,
  }));
}

/** Sales of each calendar day from `from` to the last day, days without any included. */
async function* dayBatches(
  db: SourceDatabase,
  from: string,
  lastDay: string,
): AsyncGenerator<{ day: string; messages: Message[] }> {
  let day = from;
  let messages: Message[] = [];
  for await (const rows of db.chunks(
    `${SALE_ROWS} where order_date >= ${literal(from)} order by order_date, order_id, line`,
  )) {
    for (const row of rows) {
      const sale = saleMessage(row);
      while (day < sale.day) {
        yield { day, messages };
        messages = [];
        day = addDays(day, 1);
      }
      messages.push(sale.message);
    }
  }
  while (day <= lastDay) {
    yield { day, messages };
    messages = [];
    day = addDays(day, 1);
  }
}

/**
 * Begins after the last day that is committed, whoever wrote it: opening the producers fences an older writer and ends
 * its transactions, and only then the end of the topic is read.
 */
export async function loadTopic(request: TopicLoadRequest): Promise<TopicLoadResult> {
  const { kafka, topic, contentHash, summary } = request;
  const transactions = await openOrderedTransactions(kafka, { transactionalId: `sluice-source-${topic}` });
  try {
    const state = await readTopicState(kafka, topic);
    if (state.contentHash !== undefined && state.contentHash !== contentHash) {
      throw new SluiceError(
        'STORE_CONFLICT',
        `topic ${topic} holds another load; loading ${request.source} needs a fresh state: sluice down --wipe`,
      );
    }
    const from = state.lastDay === undefined ? summary.firstDay : addDays(state.lastDay, 1);
    if (from > summary.lastDay) return { from: undefined, daysWritten: 0, endOffsets: state.endOffsets };

    let daysWritten = 0;
    for await (const { day, messages } of dayBatches(request.db, from, summary.lastDay)) {
      request.signal?.throwIfAborted();
      await transactions.send(topic, [...messages, ...closingMessages(day, contentHash)]);
      daysWritten += 1;
      request.onDay?.(day);
    }
    await transactions.flush();
    return { from, daysWritten, endOffsets: (await readTopicState(kafka, topic)).endOffsets };
  } finally {
    await transactions.close();
  }
}
