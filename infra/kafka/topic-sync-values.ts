/** Judges one JSON value against a declared column type, before Postgres would round, cut or refuse it. */
import { numericType, postgresType } from '../postgres/curated-types.js';

/** A column's judge: why a value does not fit (undefined = it fits), and one spelling for values that are equal. */
export interface ColumnJudge {
  check(value: unknown): string | undefined;
  canonical(value: unknown): string;
}

/** With the `u` flag a surrogate matches only when it stands alone. */
const LONE_SURROGATE = /[\uD800-\uDFFF]/u;
const DECIMAL = /^-?(\d+)(?:\.(\d+))?$/;
const INTEGER = /^-?\d+$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^(\d{4}-\d{2}-\d{2})[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?$/;

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** Why Postgres cannot hold a text; a backslash followed by u0000 as ordinary text is harmless and passes. */
function textFault(text: string): string | undefined {
  if (text.includes('\u0000')) return 'holds a NUL character, which Postgres cannot store';
  return LONE_SURROGATE.test(text) ? 'holds half of a surrogate pair, which is no character' : undefined;
}

function deepTextFault(value: unknown): string | undefined {
  if (typeof value === 'string') return textFault(value);
  if (value === null || typeof value !== 'object') return undefined;
  for (const [name, part] of Object.entries(value)) {
    const fault = textFault(name) ?? deepTextFault(part);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Takes text of the form yyyy-mm-dd. By arithmetic, since a Date for each record would cost as much as parsing it. */
function isRealDay(day: string): boolean {
  const [year, month, date] = [Number(day.slice(0, 4)), Number(day.slice(5, 7)), Number(day.slice(8, 10))];
  if (year < 1 || month < 1 || month > 12 || date < 1) return false;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = month === 2 ? (leap ? 29 : 28) : month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return date <= days;
}

function integerJudge(min: bigint, max: bigint): ColumnJudge {
  return {
    check(value) {
      if (typeof value === 'number') {
        if (!Number.isInteger(value)) return `must be a whole number, got ${value}`;
        // Beyond 2^53 the digits are judged by Postgres, which sees them as written.
        if (!Number.isSafeInteger(value)) return undefined;
      } else if (typeof value !== 'string' || !INTEGER.test(value)) {
        return `must be a whole number, got ${kindOf(value)}`;
      }
      const exact = BigInt(value);
      return exact < min || exact > max ? `is out of range: ${exact}` : undefined;
    },
    canonical: (value) => BigInt(value as string | number).toString(),
  };
}

function decimalJudge(precision: number, scale: number): ColumnJudge {
  return {
    check(value) {
      if (typeof value !== 'string') return `must be a decimal number as text, got ${kindOf(value)}`;
      const match = DECIMAL.exec(value);
      if (!match) return `must be a decimal number as text, got ${JSON.stringify(value.slice(0, 40))}`;
      const whole = (match[1] as string).replace(/^0+/, '');
      const fraction = (match[2] ?? '').replace(/0+$/, '');
      if (fraction.length > scale) return `has more than ${scale} decimals: ${value.slice(0, 60)}`;
      return whole.length > precision - scale
        ? `does not fit numeric(${precision},${scale}): ${value.slice(0, 60)}`
        : undefined;
    },
    canonical(value) {
      const text = value as string;
      const match = DECIMAL.exec(text) as RegExpExecArray;
      const whole = (match[1] as string).replace(/^0+(?=\d)/, '');
      const fraction = (match[2] ?? '').replace(/0+$/, '');
      const digits = fraction === '' ? whole : `${whole}.${fraction}`;
      return text.startsWith('-') && digits !== '0' ? `-${digits}` : digits;
    },
  };
}

function judge(check: ColumnJudge['check'], canonical: ColumnJudge['canonical'] = String): ColumnJudge {
  return { check, canonical };
}

function instantJudge(zoned: boolean): ColumnJudge {
  return judge((value) => {
    if (typeof value !== 'string') return `must be a time as text, got ${kindOf(value)}`;
    const match = INSTANT.exec(value);
    if (!match || !isRealDay(match[1] as string))
      return `must be an ISO time, got ${JSON.stringify(value.slice(0, 40))}`;
    if (zoned !== (match[4] !== undefined)) return zoned ? 'lacks its zone' : 'must not name a zone';
    return undefined;
  });
}

const BY_TYPE: Record<string, ColumnJudge> = {
  text: judge((value) => (typeof value === 'string' ? textFault(value) : `must be text, got ${kindOf(value)}`)),
  bigint: integerJudge(-(2n ** 63n), 2n ** 63n - 1n),
  integer: integerJudge(-(2n ** 31n), 2n ** 31n - 1n),
  boolean: judge((value) => (typeof value === 'boolean' ? undefined : `must be true or false, got ${kindOf(value)}`)),
  'double precision': judge((value) =>
    typeof value === 'number' ? undefined : `must be a number, got ${kindOf(value)}`,
  ),
  date: judge((value) => {
    if (typeof value !== 'string') return `must be a day as text, got ${kindOf(value)}`;
    return DAY.test(value) && isRealDay(value)
      ? undefined
      : `must be a day like 1998-03-14, got ${JSON.stringify(value.slice(0, 40))}`;
  }),
  'timestamp with time zone': instantJudge(true),
  'timestamp without time zone': instantJudge(false),
  jsonb: judge(deepTextFault, (value) => JSON.stringify(value)),
};

/** The judge of a declared type such as `numeric(18,4)`; an unknown type is a mistake in the declaration. */
export function columnJudge(declared: string): ColumnJudge {
  const type = postgresType(declared);
  const numeric = numericType(declared);
  return numeric ? decimalJudge(numeric.precision, numeric.scale) : (BY_TYPE[type] as ColumnJudge);
}
