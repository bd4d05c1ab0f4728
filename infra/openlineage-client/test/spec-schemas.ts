/** Checks events against the specification's own JSON schemas, read from the folder in SLUICE_OPENLINEAGE_SPEC. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const folder = process.env['SLUICE_OPENLINEAGE_SPEC'];

/** For `test(name, { skip }, …)`: the reason while the schemas are not there. */
export const skipWithoutSpec: string | false =
  folder === undefined
    ? 'set SLUICE_OPENLINEAGE_SPEC to a copy of the OpenLineage repository (its spec/ folder inside)'
    : false;

type Json = { [key: string]: unknown };

interface FacetSchema {
  id: string;
  key: string;
  /** Which kind of facet it is: RunFacet, JobFacet, DatasetFacet, InputDatasetFacet or OutputDatasetFacet. */
  kind: string;
}

export interface SpecSchemas {
  /** Problems of an event and of every facet in it, none when it is right. */
  problemsOf(event: unknown): string[];
  /** The specification's own examples: facet name and content, such as `{ parent: … }`. */
  examples: { name: string; kind: string; content: Json }[];
  fullExample: Json;
}

const CONTAINERS: [path: string[], kind: string][] = [
  [['run', 'facets'], 'RunFacet'],
  [['job', 'facets'], 'JobFacet'],
  [['dataset', 'facets'], 'DatasetFacet'],
];

export function loadSpec(): SpecSchemas {
  const spec = join(folder ?? '', 'spec');
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  const core = readJson(join(spec, 'OpenLineage.json'));
  ajv.addSchema(core);
  const facets = new Map<string, FacetSchema>();
  for (const file of readdirSync(join(spec, 'facets'))) {
    const schema = readJson(join(spec, 'facets', file));
    ajv.addSchema(schema);
    const [key] = Object.keys(schema['properties'] ?? {});
    const kind = /\/\$defs\/(\w*Facet)"/.exec(
      JSON.stringify(schema).slice(JSON.stringify(schema).indexOf('OpenLineage.json')),
    )?.[1];
    if (key === undefined || kind === undefined) continue;
    facets.set(file.replace('.json', ''), { id: schema['$id'] as string, key, kind });
  }
  const byId = new Map([...facets.values()].map((facet) => [facet.id, facet]));
  const compiled = (id: string): ValidateFunction => {
    const validate = ajv.getSchema(id);
    if (validate === undefined) throw new Error(`the specification has no ${id}`);
    return validate;
  };

  const check = (id: string, value: unknown, where: string): string[] => {
    const validate = compiled(id);
    return validate(value)
      ? []
      : (validate.errors ?? []).map((error) => `${where}${error.instancePath}: ${error.message}`);
  };
  const facetProblems = (container: unknown, kind: string, where: string): string[] =>
    Object.entries((container ?? {}) as Json).flatMap(([key, facet]) => {
      const url = (facet as Json | undefined)?.['_schemaURL'];
      if (typeof url !== 'string' || !url.startsWith('https://openlineage.io/')) return [];
      const known = byId.get(url.split('#')[0] ?? '');
      if (known === undefined) return [`${where}.${key}: _schemaURL ${url} is not in the specification`];
      if (known.key !== key || known.kind !== kind)
        return [`${where}.${key}: belongs to ${known.kind} as ${known.key}`];
      return check(known.id, { [key]: facet }, `${where}.${key}`);
    });

  return {
    problemsOf(event) {
      const plain = JSON.parse(JSON.stringify(event)) as Json;
      const definition = 'run' in plain ? 'RunEvent' : 'dataset' in plain ? 'DatasetEvent' : 'JobEvent';
      const problems = check(`${core['$id'] as string}#/$defs/${definition}`, plain, definition);
      for (const [path, kind] of CONTAINERS) problems.push(...facetProblems(dig(plain, path), kind, path.join('.')));
      for (const [list, kind] of [
        ['inputs', 'InputDatasetFacet'],
        ['outputs', 'OutputDatasetFacet'],
      ] as const) {
        for (const [index, dataset] of ((plain[list] ?? []) as Json[]).entries()) {
          const own = list === 'inputs' ? 'inputFacets' : 'outputFacets';
          problems.push(...facetProblems(dataset['facets'], 'DatasetFacet', `${list}.${index}.facets`));
          problems.push(...facetProblems(dataset[own], kind, `${list}.${index}.${own}`));
        }
      }
      return problems;
    },
    examples: readdirSync(join(spec, 'tests'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name }) =>
        readdirSync(join(spec, 'tests', name)).map((file) => ({
          name: `${name}/${file}`,
          kind: facets.get(name)?.kind ?? '',
          content: readJson(join(spec, 'tests', name, file)),
        })),
      ),
    fullExample: readJson(join(spec, 'tests', 'example_full_event.json')),
  };
}

function readJson(path: string): Json {
  return JSON.parse(readFileSync(path, 'utf8')) as Json;
}

function dig(value: Json, path: string[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Json | undefined)?.[key], value);
}
