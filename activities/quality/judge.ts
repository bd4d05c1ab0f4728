/** Turns counts into verdicts: what a percentage is measured against, when a check passes, and which verdict is worse. */
import type { Check } from '../../pipelines/checks.js';
import type { CheckSeverity, Verdict } from '../../workflows/contracts/curated.js';

export interface Counts {
  rows: number;
  nulls: number;
  bad: number;
}

export type Base = 'non_null' | 'rows';

const ORDER: readonly Verdict[] = ['pass', 'warn', 'empty', 'fail', 'error'];

export function worst(verdicts: Iterable<Verdict>): Verdict {
  let result: Verdict = 'pass';
  for (const verdict of verdicts) if (ORDER.indexOf(verdict) > ORDER.indexOf(result)) result = verdict;
  return result;
}

export const failed = (severity: CheckSeverity): Verdict => (severity === 'warn' ? 'warn' : 'fail');

interface Limits {
  type: Check['type'];
  severity: CheckSeverity;
  countNulls?: boolean;
  tolerance?: number | { rows?: number; pct?: number; base?: Base } | string;
}

/** Nulls are neither good nor bad unless the check is about them or says `countNulls`. */
export function baseOf(check: Limits): Base {
  if (check.type === 'not_null' || check.countNulls === true) return 'rows';
  return (typeof check.tolerance === 'object' ? check.tolerance.base : undefined) ?? 'non_null';
}

export function baseRows(check: Limits, counts: Counts): number {
  return baseOf(check) === 'rows' ? counts.rows : counts.rows - counts.nulls;
}

export function goodRows(check: Limits, counts: Counts): number {
  return check.type === 'not_null' ? counts.rows - counts.bad : counts.rows - counts.nulls - counts.bad;
}

/** `empty` when there was nothing to look at: that is never a pass. */
export function judge(check: Limits, counts: Counts): Verdict {
  const base = baseRows(check, counts);
  if (base === 0) return 'empty';
  const violations = counts.bad + (check.countNulls === true && check.type !== 'not_null' ? counts.nulls : 0);
  return withinLimits(check.tolerance, violations, base) ? 'pass' : failed(check.severity);
}

function withinLimits(tolerance: Limits['tolerance'], violations: number, base: number): boolean {
  if (tolerance === undefined || typeof tolerance === 'string') return violations === 0;
  if (typeof tolerance === 'number') return violations <= tolerance;
  if (tolerance.rows !== undefined && violations > tolerance.rows) return false;
  if (tolerance.pct === undefined) return true;
  // Millionths of a per cent as whole numbers: 1.1 % of a million rows is not a question of floats.
  return BigInt(violations) * 100_000_000n <= BigInt(Math.round(tolerance.pct * 1_000_000)) * BigInt(base);
}
