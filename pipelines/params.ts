/** Checks the parameters of a run against what its pipeline declares, and fills in defaults. */
import { SluiceError } from '../infra/errors.js';
import { nearest } from './nearest.js';
import type { ArgValue } from './pipeline.js';
import type { ParamSpec } from './schema.js';
import { isDay } from './values.js';

const FORMS: Record<ParamSpec['type'], string> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  date: 'a day such as 1998-03-14',
};

function hasType(spec: ParamSpec, value: unknown): value is ArgValue {
  switch (spec.type) {
    case 'int':
      return Number.isSafeInteger(value);
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'date':
      return typeof value === 'string' && isDay(value);
  }
}

function wrongValue(spec: ParamSpec, value: unknown): string | undefined {
  if (!hasType(spec, value)) return `want ${FORMS[spec.type]}`;
  const { min, max } = spec as { min?: ArgValue; max?: ArgValue };
  if (min !== undefined && value < min) return `want at least ${min}`;
  if (max !== undefined && value > max) return `want at most ${max}`;
  const allowed = (spec as { enum?: readonly ArgValue[] }).enum;
  if (allowed && !allowed.includes(value)) return `want one of ${allowed.join(', ')}`;
  return undefined;
}

/** Throws INVALID_REQUEST naming every parameter that is unknown, missing or wrong. */
export function resolveParams(specs: Readonly<Record<string, ParamSpec>>, given: unknown): Record<string, ArgValue> {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))) {
    throw new SluiceError('INVALID_REQUEST', 'params must be an object of names and values');
  }
  const values = (given ?? {}) as Record<string, unknown>;
  const known = Object.keys(specs);
  const problems: string[] = [];
  for (const name of Object.keys(values)) {
    if (Object.hasOwn(specs, name)) continue;
    const near = nearest(name, known);
    const list = known.length === 0 ? 'this pipeline takes none' : `known: ${known.join(', ')}`;
    problems.push(
      `unknown parameter '${name.slice(0, 60)}' (${near === undefined ? '' : `did you mean '${near}'? `}${list})`,
    );
  }
  const resolved: Record<string, ArgValue> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const value = Object.hasOwn(values, name) ? values[name] : spec.default;
    if (value === undefined) {
      problems.push(`parameter '${name}' must be given: want ${FORMS[spec.type]}`);
      continue;
    }
    const wrong = wrongValue(spec, value);
    if (wrong === undefined) resolved[name] = value as ArgValue;
    else problems.push(`parameter '${name}' is ${JSON.stringify(value).slice(0, 60)}: ${wrong}`);
  }
  if (problems.length > 0) throw new SluiceError('INVALID_REQUEST', problems.join('; '));
  return resolved;
}
