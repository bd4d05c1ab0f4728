/** Compiles declared checks to SQL conditions over one staging table. */
import { quoteName } from '../../infra/postgres/curated-types.js';
import { SluiceError } from '../../infra/errors.js';
import { checkName, type StagingCheck } from '../../pipelines/checks.js';
import { literal, typedLiteral } from './sql.js';

export interface CompileTarget {
  columns: Record<string, string>;
  key: readonly string[];
}

/** What the one scan counts for a check. Conditions are SQL; a condition that is null counts as false. */
export interface RowCondition {
  /** Rows looked at. */
  where: string;
  isNull: string;
  /** undefined: bad rows are found elsewhere (duplicates, own query, sums). */
  isBad?: string;
  /** Text that stands for a bad row in the samples. */
  sample: string;
}

export interface CompiledCheck {
  name: string;
  check: StagingCheck;
  rows: RowCondition;
  /** Column whose sum the scan returns. */
  sum?: string;
}

/** Throws INVALID_REQUEST when a check cannot be right for this table; the caller reports that as verdict `error`. */
export function compileCheck(check: StagingCheck, target: CompileTarget): CompiledCheck {
  const compiled = { name: checkName(check), check, rows: rowCondition(check, target) };
  return check.type === 'sum_matches' ? { ...compiled, sum: column(target, check.column) } : compiled;
}

function column(target: CompileTarget, name: string): string {
  if (!Object.hasOwn(target.columns, name)) {
    throw new SluiceError(
      'INVALID_REQUEST',
      `no such column "${name}" (columns: ${Object.keys(target.columns).join(', ')})`,
    );
  }
  return quoteName(name);
}

/** Declared SQL in brackets of its own; the line break ends a trailing comment. */
const closed = (sql: string): string => `(${sql}\n)`;

const rowAsText = (names: readonly string[]): string =>
  `json_build_object(${names.map((name) => `${literal(name)}, ${quoteName(name)}`).join(', ')})::text`;

function rowCondition(check: StagingCheck, target: CompileTarget): RowCondition {
  const where = check.where === undefined ? 'true' : closed(check.where);
  const wholeRow = { where, sample: rowAsText(target.key) };
  switch (check.type) {
    case 'not_null': {
      const anyNull = check.columns.map((name) => `${column(target, name)} is null`).join(' or ');
      return { ...wholeRow, isNull: anyNull, isBad: anyNull };
    }
    case 'unique': {
      const anyNull = check.columns.map((name) => `${column(target, name)} is null`).join(' or ');
      return { where, isNull: anyNull, sample: rowAsText(check.columns) };
    }
    case 'row_count':
      return { ...wholeRow, isNull: 'false' };
    case 'sql':
      return check.expression === undefined
        ? { ...wholeRow, isNull: 'false' }
        : { ...wholeRow, isNull: `${closed(check.expression)} is null`, isBad: `not ${closed(check.expression)}` };
    case 'sum_matches': {
      const name = column(target, check.column);
      return { where, isNull: `${name} is null`, sample: `${name}::text` };
    }
    case 'accepted_values':
    case 'range':
    case 'length':
    case 'regex': {
      const name = column(target, check.column);
      return { where, isNull: `${name} is null`, isBad: valueIsBad(check, name, target), sample: `${name}::text` };
    }
  }
}

type ValueCheck = Extract<StagingCheck, { type: 'accepted_values' | 'range' | 'length' | 'regex' }>;

function valueIsBad(check: ValueCheck, name: string, target: CompileTarget): string {
  const type = target.columns[check.column] ?? 'text';
  switch (check.type) {
    case 'accepted_values':
      return `${name} not in (${check.values.map((value) => typedLiteral(value, type)).join(', ')})`;
    case 'length':
      return outside(`char_length(${name}::text)`, check.min?.toString(), check.max?.toString());
    case 'regex':
      return `${name}::text !~ ${literal(check.pattern)}`;
    case 'range': {
      const bounds = outside(
        name,
        check.min === undefined ? undefined : typedLiteral(check.min, type),
        check.max === undefined ? undefined : typedLiteral(check.max, type),
      );
      // NaN is greater than every number for Postgres, so a lower bound alone would let it pass.
      return /^(numeric|double)/.test(type) ? `${bounds} or ${name} = 'NaN'` : bounds;
    }
  }
}

function outside(expression: string, min: string | undefined, max: string | undefined): string {
  const sides = [
    ...(min === undefined ? [] : [`${expression} < ${min}`]),
    ...(max === undefined ? [] : [`${expression} > ${max}`]),
  ];
  return sides.join(' or ');
}
