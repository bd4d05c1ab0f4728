/** Rules for checks and parameters: the columns and tables that checks name exist, defaults lie within their bounds. */
import type { Check } from './checks.js';
import type { Report } from './declared.js';
import { suggestion } from './nearest.js';
import type { ParsedPipeline } from './schema.js';

/** Columns that a check names, with the key under which they stand. */
function checkColumns(check: Check): [string, string[]][] {
  switch (check.type) {
    case 'not_null':
    case 'unique':
      return [['columns', check.columns]];
    case 'accepted_values':
    case 'range':
    case 'length':
    case 'regex':
    case 'sum_matches':
      return [['column', [check.column]]];
    case 'row_count':
    case 'sql':
      return [];
    case 'reconcile':
      return [];
  }
}

export function checkChecks(pipeline: ParsedPipeline, table: string, checks: readonly Check[], report: Report): void {
  const tables = Object.keys(pipeline.curated);
  const spec = pipeline.curated[table];
  if (!spec) {
    report(['checks', table], `no curated table '${table}'${suggestion(table, tables)}`, 'key');
    return;
  }
  for (const [index, check] of checks.entries()) {
    const path = ['checks', table, index];
    for (const [field, names] of checkColumns(check)) {
      for (const [at, name] of names.entries()) {
        if (name in spec.columns) continue;
        const where = field === 'columns' ? [...path, field, at] : [...path, field];
        report(where, `table '${table}' has no column '${name}'${suggestion(name, Object.keys(spec.columns))}`);
      }
    }
    if (check.type !== 'reconcile') continue;
    for (const side of ['left', 'right'] as const) {
      const name = check[side];
      if (name === undefined) continue;
      const other = pipeline.curated[name];
      if (!other) {
        report([...path, side], `no curated table '${name}'${suggestion(name, tables)}`);
        continue;
      }
      for (const field of ['keys', 'values'] as const) {
        for (const [at, column] of check[field].entries()) {
          if (column in other.columns) continue;
          const near = suggestion(column, Object.keys(other.columns));
          report([...path, field, at], `table '${name}' has no column '${column}'${near}`);
        }
      }
      if (check.dayColumn !== undefined && other.columns[check.dayColumn] !== 'date') {
        report([...path, 'dayColumn'], `table '${name}' has no date column '${check.dayColumn}'`);
      }
    }
  }
}

export function checkParams(pipeline: ParsedPipeline, report: Report): void {
  for (const [name, spec] of Object.entries(pipeline.params)) {
    const path = ['params', name];
    const { min, max } = spec as { min?: number | string; max?: number | string };
    if (min !== undefined && max !== undefined && min > max) report([...path, 'min'], `min ${min} is above max ${max}`);
    const value = spec.default;
    if (value === undefined) continue;
    if (min !== undefined && (value as number | string) < min)
      report([...path, 'default'], `${value} is below min ${min}`);
    if (max !== undefined && (value as number | string) > max)
      report([...path, 'default'], `${value} is above max ${max}`);
    const allowed = (spec as { enum?: readonly unknown[] }).enum;
    if (allowed && !allowed.includes(value))
      report([...path, 'default'], `${value} is not one of ${allowed.join(', ')}`);
  }
}
