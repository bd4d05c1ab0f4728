/** Partitions as people type them: one business day, or a half-open range of days. */
import { SluiceError } from '../infra/errors.js';
import { addDays, dayCount, dayIn, monthOf, quarterOf } from './days.js';
import type { Grain } from './pipeline.js';
import { isDay } from './values.js';

/** Longest range that one run takes: ten years. */
export const MAX_PARTITION_DAYS = 3660;
/** Days before this one are taken for typing errors. */
export const FIRST_DAY = '1900-01-01';

export interface Partition {
  /** Normal spelling: the day, or `from/to`. */
  text: string;
  kind: 'day' | 'range';
  from: string;
  /** Day after the last one. */
  to: string;
}

export interface PartitionClock {
  now: Date;
  /** Zone of the pipeline; decides which day today is. */
  timeZone: string;
}

const FORM = "want a day such as '1998-03-14', or a range '1998-03-01/1998-04-01' (the second day is not included)";
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const invalid = (text: string, why: string): SluiceError =>
  new SluiceError('INVALID_REQUEST', `partition '${text.slice(0, 60)}': ${why}`);

function readDay(text: string, whole: string): string {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!match) {
    if (/^\d{4}-\d{1,2}-\d{1,2}$/.test(text)) {
      const [year, month, day] = text.split('-') as [string, string, string];
      throw invalid(
        whole,
        `write month and day with two digits: '${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}'`,
      );
    }
    if (/^\d{4}-\d{2}-\d{2}T/.test(text)) throw invalid(whole, `a day has no time: '${text.slice(0, 10)}'`);
    throw invalid(whole, FORM);
  }
  if (!isDay(text)) {
    const [year, month] = [Number(match[1]), Number(match[2])];
    if (month < 1 || month > 12) throw invalid(whole, `${text} does not exist: months go from 01 to 12`);
    const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
    const last = month === 2 && leap ? 29 : MONTH_DAYS[month - 1];
    throw invalid(
      whole,
      `${text} does not exist: the last day of ${match[1]}-${match[2]} is ${match[1]}-${match[2]}-${last}`,
    );
  }
  if (text < FIRST_DAY) throw invalid(whole, `${text} is before ${FIRST_DAY}, the first day there is`);
  return text;
}

/** Reads a partition; throws INVALID_REQUEST with what would be right. A range of one day becomes the day. */
export function parsePartition(value: unknown, clock: PartitionClock): Partition {
  if (typeof value !== 'string') {
    throw new SluiceError('INVALID_REQUEST', `partition is missing or no text: ${FORM}`);
  }
  const parts = value.split('/');
  if (parts.length > 2) throw invalid(value, FORM);
  const from = readDay(parts[0] as string, value);
  const to = parts.length === 1 ? addDays(from, 1) : readDay(parts[1] as string, value);
  if (from >= to) {
    const hint = from === to ? `for that one day write '${from}'` : `write '${to}/${from}'`;
    throw invalid(value, `the first day must be before the second, which is not included: ${hint}`);
  }
  const count = dayCount(from, to);
  if (count > MAX_PARTITION_DAYS) throw invalid(value, `${count} days, at most ${MAX_PARTITION_DAYS} go into one run`);
  const today = dayIn(clock.now, clock.timeZone);
  if (addDays(to, -1) > today) {
    throw invalid(value, `${addDays(to, -1)} is in the future: today is ${today} in ${clock.timeZone}`);
  }
  return count === 1 ? { text: from, kind: 'day', from, to } : { text: `${from}/${to}`, kind: 'range', from, to };
}

/** Every day of the half-open range, in order. */
export function days({ from, to }: Pick<Partition, 'from' | 'to'>): string[] {
  return Array.from({ length: dayCount(from, to) }, (_, index) => addDays(from, index));
}

/** First day of the table partition that holds the day. */
export function partitionStart(day: string, grain: Grain): string {
  if (grain === 'day') return addDays(day, 0);
  return grain === 'month' ? monthOf(day) : quarterOf(day);
}

/** First day of every table partition that the range touches, in order, each once. */
export function tablePartitions(range: Pick<Partition, 'from' | 'to'>, grain: Grain): string[] {
  return [...new Set(days(range).map((day) => partitionStart(day, grain)))];
}

/** Day after the last one of the table partition that begins with `start`. */
export function partitionEnd(start: string, grain: Grain): string {
  if (grain === 'day') return addDays(start, 1);
  const beyond = addDays(start, grain === 'month' ? 31 : 92);
  return grain === 'month' ? monthOf(beyond) : quarterOf(beyond);
}
