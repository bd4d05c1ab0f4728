/** The declared form of quality checks: data that is compiled to SQL, never code. */
import { z } from 'zod';

const identifier = z.string().regex(/^[a-z_][a-z0-9_]*$/, 'a lower-case column or table name');
const identifiers = z.array(identifier).min(1);
/** A number, or a string for decimals and dates, so that no bound passes through a float. */
const bound = z.union([z.number(), z.string().min(1)]);
const count = z.int().min(0);

const tolerance = z.union([
  count.describe('at most this many bad rows'),
  z
    .strictObject({
      rows: count.optional().describe('at most this many bad rows'),
      pct: z.number().min(0).max(100).optional().describe('at most this many per cent of the base'),
      base: z.enum(['non_null', 'rows']).optional().describe('what pct is measured against; default non_null'),
    })
    .refine((value) => value.rows !== undefined || value.pct !== undefined, 'needs rows or pct'),
]);

const common = {
  name: z.string().min(1).max(100).optional().describe('shown in results; made from type and columns if absent'),
  description: z.string().optional(),
  severity: z
    .enum(['block', 'warn'], {
      error: (issue) =>
        issue.input === 'quarantine' ? 'quarantine is not available yet: use block or warn' : undefined,
    })
    .default('block')
    .describe('block holds a partition back, warn only reports'),
};

const rowCommon = {
  ...common,
  where: z.string().min(1).optional().describe('SQL condition; only rows that meet it are looked at'),
  tolerance: tolerance.optional().describe('default: no bad row'),
  countNulls: z.boolean().default(false).describe('nulls count as bad, measured against all rows'),
};

const atLeastOne = (value: { min?: unknown; max?: unknown }): boolean =>
  value.min !== undefined || value.max !== undefined;
const exactlyOne = (...values: unknown[]): boolean => values.filter((value) => value !== undefined).length === 1;

const notNull = z.strictObject({ type: z.literal('not_null'), columns: identifiers, ...rowCommon });
const unique = z.strictObject({ type: z.literal('unique'), columns: identifiers, ...rowCommon });
const acceptedValues = z.strictObject({
  type: z.literal('accepted_values'),
  column: identifier,
  values: z.array(z.union([z.string(), z.number(), z.boolean()])).min(1),
  ...rowCommon,
});
const range = z
  .strictObject({
    type: z.literal('range'),
    column: identifier,
    min: bound.optional(),
    max: bound.optional(),
    ...rowCommon,
  })
  .refine(atLeastOne, 'needs min or max');
const length = z
  .strictObject({
    type: z.literal('length'),
    column: identifier,
    min: count.optional(),
    max: count.optional(),
    ...rowCommon,
  })
  .refine(atLeastOne, 'needs min or max');
const regex = z.strictObject({
  type: z.literal('regex'),
  column: identifier,
  pattern: z.string().min(1).describe('POSIX regular expression as Postgres reads it'),
  ...rowCommon,
});
const rowCount = z
  .strictObject({
    type: z.literal('row_count'),
    min: count.optional(),
    max: count.optional(),
    where: z.string().min(1).optional(),
    ...common,
  })
  .refine(atLeastOne, 'needs min or max');
const sumMatches = z
  .strictObject({
    type: z.literal('sum_matches'),
    column: identifier,
    expected: bound.optional().describe('the sum of each partition'),
    sql: z.string().min(1).optional().describe('query with columns partition and expected, one row per partition'),
    where: z.string().min(1).optional(),
    tolerance: bound.optional().describe('largest absolute difference; default 0'),
    ...common,
  })
  .refine((value) => exactlyOne(value.expected, value.sql), 'needs expected or sql, not both');
const customSql = z
  .strictObject({
    type: z.literal('sql'),
    expression: z.string().min(1).optional().describe('condition that a good row meets; null counts as null'),
    query: z
      .string()
      .min(1)
      .optional()
      .describe(
        'query that returns the bad rows; {table} is the table; a column named partition assigns them to a day',
      ),
    ...rowCommon,
  })
  .refine((value) => exactlyOne(value.expression, value.query), 'needs expression or query, not both');
const reconcile = z
  .strictObject({
    type: z.literal('reconcile'),
    left: identifier.optional().describe('curated table'),
    right: identifier.optional().describe('curated table'),
    dayColumn: identifier.optional().describe('date column that limits both tables to the range'),
    leftSql: z.string().min(1).optional().describe('query; may use :partition_from and :partition_to'),
    rightSql: z.string().min(1).optional().describe('query; may use :partition_from and :partition_to'),
    keys: identifiers,
    values: identifiers,
    tolerance: bound.optional().describe('largest absolute difference of numeric values; default 0'),
    ...common,
  })
  .refine((value) => exactlyOne(value.left, value.leftSql), 'needs left or leftSql, not both')
  .refine((value) => exactlyOne(value.right, value.rightSql), 'needs right or rightSql, not both');

/** One check of one table. */
export const checkSchema = z.discriminatedUnion('type', [
  notNull,
  unique,
  acceptedValues,
  range,
  length,
  regex,
  rowCount,
  sumMatches,
  customSql,
  reconcile,
]);

export type Check = z.infer<typeof checkSchema>;
export type CheckOf<T extends Check['type']> = Extract<Check, { type: T }>;
export type StagingCheck = Exclude<Check, { type: 'reconcile' }>;

/** Name of a check in results: the declared one, else made from what it looks at. */
export function checkName(check: Check): string {
  if (check.name !== undefined) return check.name;
  switch (check.type) {
    case 'not_null':
    case 'unique':
      return `${check.type}(${check.columns.join(', ')})`;
    case 'accepted_values':
    case 'range':
    case 'length':
    case 'regex':
    case 'sum_matches':
      return `${check.type}(${check.column})`;
    case 'row_count':
      return 'row_count';
    case 'sql':
      return `sql(${(check.expression ?? check.query ?? '').replace(/\s+/g, ' ').slice(0, 60)})`;
    case 'reconcile':
      return `reconcile(${check.left ?? 'sql'} = ${check.right ?? 'sql'})`;
  }
}
