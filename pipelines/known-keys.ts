/** Lists the keys a zod schema knows at a path, so that an unknown key can be answered with the nearest one. */
import { z } from 'zod';

type Schema = z.core.$ZodType;

/** Takes off what does not change the shape: optional, default, transform and the like. */
function unwrap(schema: Schema): Schema {
  const { def } = schema._zod as unknown as {
    def: { type: string; innerType?: Schema; in?: Schema; getter?: () => Schema };
  };
  if (def.innerType) return unwrap(def.innerType);
  if (def.type === 'pipe' && def.in) return unwrap(def.in);
  if (def.type === 'lazy' && def.getter) return unwrap(def.getter());
  return schema;
}

function alternatives(schema: Schema): Schema[] {
  const bare = unwrap(schema);
  return bare instanceof z.ZodUnion ? bare.options.flatMap((option) => alternatives(option)) : [bare];
}

function step(schema: Schema, part: string | number): Schema[] {
  return alternatives(schema).flatMap((option) => {
    if (option instanceof z.ZodObject) {
      const field = (option.shape as Record<string, Schema>)[String(part)];
      return field ? [field] : [];
    }
    if (option instanceof z.ZodRecord) return [option.valueType];
    if (option instanceof z.ZodArray) return [option.element];
    return [];
  });
}

/** A literal of the value, such as `type: range`, leaves only the alternatives that have it. */
function fits(option: z.ZodObject, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(option.shape as Record<string, Schema>).every(([key, field]) => {
    const bare = unwrap(field);
    const given = (value as Record<string, unknown>)[key];
    return !(bare instanceof z.ZodLiteral) || given === undefined || bare.values.has(given as string);
  });
}

/** Keys of the object that stands at `path`; `node` is the value there, if it is at hand. */
export function knownKeys(schema: Schema, path: readonly (string | number)[], node?: unknown): string[] {
  let here: Schema[] = [schema];
  for (const part of path) here = here.flatMap((candidate) => step(candidate, part));
  const value = (node as { toJSON?: () => unknown } | undefined)?.toJSON?.() ?? node;
  const objects = here.flatMap(alternatives).filter((option): option is z.ZodObject => option instanceof z.ZodObject);
  const fitting = objects.filter((option) => fits(option, value));
  return [...new Set((fitting.length > 0 ? fitting : objects).flatMap((option) => Object.keys(option.shape)))];
}
