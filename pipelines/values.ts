/** The small written forms inside a pipeline: durations, column types, names; each as a zod schema that explains itself. */
import { z } from 'zod';

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/;

/** `10s`, `5m`, `36h` in milliseconds; undefined when the text is something else. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  return match ? Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS] : undefined;
}

const DURATION_RULE = "not a duration: want a whole number and a unit, such as '500ms', '10s', '5m', '36h' or '2d'";

/** A duration, read to milliseconds. */
export const durationSchema = z
  .string(DURATION_RULE)
  .regex(DURATION, DURATION_RULE)
  .transform((text) => parseDuration(text) as number);

export type ColumnKind =
  'date' | 'text' | 'bigint' | 'int' | 'boolean' | 'numeric' | 'timestamptz' | 'timestamp' | 'double' | 'jsonb';

export interface ColumnType {
  kind: ColumnKind;
  /** Only of numeric. */
  precision?: number;
  scale?: number;
}

const PLAIN = ['date', 'text', 'bigint', 'int', 'boolean', 'timestamptz', 'timestamp', 'double', 'jsonb'] as const;
const NUMERIC = /^numeric\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)$/;

/** Parts of a column type; undefined when it is none. Numeric always states precision and scale. */
export function parseColumnType(text: string): ColumnType | undefined {
  if ((PLAIN as readonly string[]).includes(text)) return { kind: text as ColumnKind };
  const match = NUMERIC.exec(text);
  if (!match) return undefined;
  const precision = Number(match[1]);
  const scale = Number(match[2]);
  return precision < 1 || precision > 38 || scale > precision ? undefined : { kind: 'numeric', precision, scale };
}

const COLUMN_TYPE_RULE = `not a column type: want ${PLAIN.join(', ')} or numeric(precision,scale) with 1 <= precision <= 38`;

/** A column type in its one normal spelling, `numeric(18,4)`. */
export const columnTypeSchema = z
  .string()
  .refine((text) => parseColumnType(text) !== undefined, COLUMN_TYPE_RULE)
  .transform((text) => text.replaceAll(' ', ''));

/** Pipelines, stages, streams: they are part of workflow ids and object keys. */
export const nameSchema = z
  .string()
  .max(60, 'at most 60 characters')
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'want lower-case letters and digits in groups joined by single hyphens');

/** Tables, columns and params: they are SQL identifiers. */
export const snakeSchema = z
  .string()
  .max(63, 'at most 63 characters')
  .regex(/^[a-z][a-z0-9_]*$/, 'want snake_case: a lower-case letter, then lower-case letters, digits and _');

export const columnsSchema = z
  .record(snakeSchema, columnTypeSchema)
  .refine((columns) => Object.keys(columns).length > 0, 'names no column');

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;

/** True for an ISO day that exists. */
export function isDay(text: string): boolean {
  const match = DAY.exec(text);
  if (!match) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const date = new Date(Date.UTC(year, month - 1, day));
  return year >= 1 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}
