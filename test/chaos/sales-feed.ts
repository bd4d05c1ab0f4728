/** Sales that keep coming while faults happen: a day every other second, and the exact tables that must come of them. */
import { setTimeout as delay } from 'node:timers/promises';
import { closingMessages, saleMessage } from '../../activities/source/topic-load.js';
import { SALES_TOPIC } from '../../infra/kafka/admin-topics.js';
import { createKafka } from '../../infra/kafka/client.js';
import { openOrderedTransactions } from '../../infra/kafka/producer-ordered.js';
import { addDays } from '../../pipelines/days.js';
import type { World } from './world.js';

const EVERY_MS = 2_000;
const FIRST_DAY = '2020-01-01';
const CITIES = ['Köln', 'São Paulo', "L'Aquila", 'Łódź', 'Bern'];
const LINES_A_DAY = 20;
const WINDOW_DAYS = 7;

export interface SalesFeed {
  /** Stops after the day that is under way. */
  stop(): Promise<void>;
  days: string[];
  /** `day city` to sales with four decimals, as the running totals must end. */
  totals(): Map<string, string>;
  /** `first day of the window city` to sales with four decimals, for all windows that are closed. */
  windows(): Map<string, string>;
}

/** The topic is empty, and nobody else writes to it. */
export async function feedSales({ config }: World): Promise<SalesFeed> {
  const kafka = createKafka({ brokers: config.KAFKA_BROKERS.split(','), clientId: 'sluice-chaos' });
  const transactions = await openOrderedTransactions(kafka, { transactionalId: 'sluice-chaos-feed' });
  const stopping = new AbortController();
  const days: string[] = [];
  const cents = new Map<string, bigint>();
  const feed = async (): Promise<void> => {
    try {
      for (let index = 0; !stopping.signal.aborted; index += 1) {
        const day = addDays(FIRST_DAY, index);
        const sales = salesOf(day, index);
        const messages = sales.map(({ row }) => saleMessage(row).message);
        await transactions.send(SALES_TOPIC, [...messages, ...closingMessages(day, 'chaos')]);
        days.push(day);
        for (const { city, amount } of sales) add(cents, `${day} ${city}`, amount);
        await delay(EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
      await transactions.flush();
    } finally {
      await transactions.close();
    }
  };
  const feeding = feed();
  // Waited for at the end; until then a failure must not end the script.
  feeding.catch(() => undefined);
  return {
    days,
    stop: async () => {
      stopping.abort();
      await feeding;
    },
    totals: () => texts(cents),
    windows: () => {
      const sums = new Map<string, bigint>();
      for (const [name, amount] of cents) {
        const [day = '', ...city] = name.split(' ');
        for (let back = 0; back < WINDOW_DAYS; back += 1) {
          const start = addDays(day, -back);
          if (addDays(start, WINDOW_DAYS - 1) <= (days.at(-1) ?? '')) add(sums, `${start} ${city.join(' ')}`, amount);
        }
      }
      return texts(sums);
    },
  };
}

/** Two lines an order, so that an order that is counted by its lines shows. */
function salesOf(day: string, index: number): { row: string[]; city: string; amount: bigint }[] {
  return Array.from({ length: LINES_A_DAY }, (_, line) => {
    const order = Math.floor(line / 2);
    const city = CITIES[(index + order) % CITIES.length] ?? '';
    const amount = BigInt(((index * 7_919 + line * 104_729) % 100_000) + 1);
    const row = [`${day}-${order}`, String((line % 2) + 1), day, 'Land', 'State', city, String(line % 3), 'Seller'];
    return { row: [...row, text(amount)], city, amount };
  });
}

function add(sums: Map<string, bigint>, name: string, amount: bigint): void {
  sums.set(name, (sums.get(name) ?? 0n) + amount);
}

const text = (cents: bigint): string => `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}00`;

const texts = (sums: ReadonlyMap<string, bigint>): Map<string, string> =>
  new Map([...sums].map(([name, amount]) => [name, text(amount)]));
