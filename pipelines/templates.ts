/** Fills `{{partition.from}}` and `{{params.x}}` into the arguments of a job; values stay typed, nothing is a shell. */
import { SluiceError } from '../infra/errors.js';
import { suggestion } from './nearest.js';
import type { ArgValue } from './pipeline.js';

const PLACEHOLDER = /\{\{\s*([^{}]*?)\s*\}\}/g;
const WHOLE = /^\{\{\s*([^{}]*?)\s*\}\}$/;

export interface TemplateValues {
  /** Half-open range of days; absent for streams. */
  partition?: { from: string; to: string };
  params: Readonly<Record<string, ArgValue>>;
}

/** Names that a template uses, without the braces. */
export function templateNames(text: string): string[] {
  return [...text.matchAll(PLACEHOLDER)].map((match) => match[1] as string);
}

function valuesByName({ partition, params }: TemplateValues): Map<string, ArgValue> {
  const values = new Map<string, ArgValue>();
  if (partition) values.set('partition.from', partition.from).set('partition.to', partition.to);
  for (const [name, value] of Object.entries(params)) values.set(`params.${name}`, value);
  return values;
}

/** A text that is one placeholder and nothing else takes the value with its type. */
export function fillArgs(args: Readonly<Record<string, ArgValue>>, from: TemplateValues): Record<string, ArgValue> {
  const values = valuesByName(from);
  const lookUp = (arg: string, name: string): ArgValue => {
    const value = values.get(name);
    if (value === undefined) {
      const known = [...values.keys()];
      throw new SluiceError('CONFIG_INVALID', `argument ${arg}: nothing is called '${name}'${suggestion(name, known)}`);
    }
    return value;
  };
  return Object.fromEntries(
    Object.entries(args).map(([arg, text]) => {
      if (typeof text !== 'string') return [arg, text];
      const whole = WHOLE.exec(text);
      if (whole) return [arg, lookUp(arg, whole[1] as string)];
      return [arg, text.replace(PLACEHOLDER, (_, name: string) => String(lookUp(arg, name)))];
    }),
  );
}
