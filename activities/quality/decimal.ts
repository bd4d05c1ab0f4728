/** Exact comparison of decimals that arrive as text. */
import { SluiceError } from '../../infra/errors.js';

/** |left − right| ≤ tolerance, without rounding. */
export function withinTolerance(left: string, right: string, tolerance: string): boolean {
  const values = [left, right, tolerance].map(parse);
  const scale = Math.max(...values.map((value) => value.scale));
  const [a, b, limit] = values.map((value) => value.digits * 10n ** BigInt(scale - value.scale)) as [
    bigint,
    bigint,
    bigint,
  ];
  const difference = a > b ? a - b : b - a;
  return difference <= limit;
}

function parse(text: string): { digits: bigint; scale: number } {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text.trim());
  if (!match || `${match[2]}${match[3] ?? ''}` === '')
    throw new SluiceError('INVALID_REQUEST', `not a decimal: "${text}"`);
  const fraction = match[3] ?? '';
  const exponent = Number(match[4] ?? 0);
  const digits = BigInt(`${match[2]}${fraction}`) * (match[1] === '-' ? -1n : 1n);
  const scale = fraction.length - exponent;
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}
