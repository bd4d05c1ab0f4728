/** Declared column types of curated tables and what they are in Postgres. */
import { SluiceError } from '../errors.js';

const SIMPLE: Record<string, string> = {
  date: 'date',
  text: 'text',
  bigint: 'bigint',
  int: 'integer',
  boolean: 'boolean',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
  double: 'double precision',
  jsonb: 'jsonb',
};

export interface NumericType {
  precision: number;
  scale: number;
}

/** Precision and scale of `numeric(p,s)`; undefined for every other type. */
export function numericType(declared: string): NumericType | undefined {
  const match = /^numeric\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(declared);
  return match ? { precision: Number(match[1]), scale: Number(match[2]) } : undefined;
}

/** The type as Postgres itself prints it (`format_type`), so that declared and existing tables compare as text. */
export function postgresType(declared: string): string {
  const numeric = numericType(declared);
  if (numeric) return `numeric(${numeric.precision},${numeric.scale})`;
  const simple = Object.hasOwn(SIMPLE, declared) ? SIMPLE[declared] : undefined;
  if (simple === undefined) {
    throw new SluiceError(
      'CONFIG_INVALID',
      `unknown column type "${declared}": use ${Object.keys(SIMPLE).join(', ')} or numeric(p,s)`,
    );
  }
  return simple;
}

/** Quotes a name for SQL. Names come from declarations, so a strange one is an error and not a puzzle for the server. */
export function quoteName(name: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) {
    throw new SluiceError('CONFIG_INVALID', `not a usable table or column name: "${name}" (want [a-z_][a-z0-9_]*)`);
  }
  return `"${name}"`;
}
