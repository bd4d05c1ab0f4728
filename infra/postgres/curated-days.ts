/** Calendar arithmetic on ISO days for partitions of a day, a month or a quarter; UTC only, no Date leaves this file. */
import { SluiceError } from '../errors.js';

export type Grain = 'day' | 'month' | 'quarter';

const MONTHS: Record<Exclude<Grain, 'day'>, number> = { month: 1, quarter: 3 };
const DAY_MS = 86_400_000;

const toIso = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

function parse(day: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(ms) || toIso(ms) !== day) {
    throw new SluiceError('INVALID_REQUEST', `not a day: "${day}" (want YYYY-MM-DD)`);
  }
  return ms;
}

export const addDays = (day: string, days: number): string => toIso(parse(day) + days * DAY_MS);

/** First day of the partition that holds this day. */
export function partitionStart(day: string, grain: Grain): string {
  const ms = parse(day);
  if (grain === 'day') return day;
  const date = new Date(ms);
  const month = date.getUTCMonth() - (date.getUTCMonth() % MONTHS[grain]);
  return toIso(Date.UTC(date.getUTCFullYear(), month, 1));
}

/** First day after the partition that starts here. */
export function partitionEnd(start: string, grain: Grain): string {
  if (grain === 'day') return addDays(start, 1);
  const date = new Date(parse(start));
  return toIso(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + MONTHS[grain], 1));
}

/** First days of all partitions that touch the half-open range [from, to), in order. */
export function partitionsOf(from: string, to: string, grain: Grain): string[] {
  if (parse(from) >= parse(to)) throw new SluiceError('INVALID_REQUEST', `empty range: ${from}/${to}`);
  const starts: string[] = [];
  for (let start = partitionStart(from, grain); start < to; start = partitionEnd(start, grain)) starts.push(start);
  return starts;
}

/** Partitions as a short readable list: neighbours become `first..last`. */
export function describePartitions(starts: readonly string[], grain: Grain): string {
  const parts: string[] = [];
  for (let index = 0; index < starts.length;) {
    let last = index;
    while (last + 1 < starts.length && partitionEnd(starts[last] as string, grain) === starts[last + 1]) last += 1;
    parts.push(last === index ? (starts[index] as string) : `${starts[index]}..${starts[last]}`);
    index = last + 1;
  }
  const shown = parts.slice(0, 20).join(', ');
  return parts.length > 20 ? `${shown} and ${parts.length - 20} more` : shown;
}
