/** A declared source: where its tables come from and the SQL that maps them to the canonical sale. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SluiceError } from '../infra/errors.js';
import { failOn, readDeclared } from './declared.js';
import { suggestion } from './nearest.js';
import { columnTypeSchema, isDay, nameSchema } from './values.js';

const fileName = z.string().regex(/^[\w.-]+$/, 'want the name of a file in the same folder');
const identifier = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'want a plain identifier');
const day = z.string().refine(isDay, 'want a day that exists, such as 1998-03-14');

const maven = z.strictObject({
  kind: z.literal('maven'),
  artifact: z.string().regex(/^[\w.-]+:[\w.-]+:[\w.-]+$/, 'want group:artifact:version'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'want 64 hex digits'),
  entry: z.string().min(1).describe('file inside the jar: a script of an HSQLDB database'),
});
const csv = z.strictObject({ kind: z.literal('csv').describe('files in a folder that the user names') });

const table = z.strictObject({
  file: fileName.optional().describe('CSV file of the table; csv sources only'),
  columns: z.record(identifier, columnTypeSchema).describe('the columns that the mapping reads; none of them is null'),
});

export const sourceSchema = z.strictObject({
  name: nameSchema,
  title: z.string().min(1),
  license: z.string().min(1),
  from: z.discriminatedUnion('kind', [maven, csv]),
  tables: z.record(identifier, table),
  facts: z.array(identifier).min(1).describe('tables whose rows become sale lines, one for one'),
  mapping: fileName,
  expect: z
    .strictObject({
      lines: z.int().min(1),
      days: z.int().min(1),
      cities: z.int().min(1),
      firstDay: day,
      lastDay: day,
      total: z.string().regex(/^\d+\.\d{4}$/, 'want a decimal with four places in quotes'),
    })
    .optional()
    .describe('what the mapped source must add up to'),
});

export interface SourceSpec extends z.output<typeof sourceSchema> {
  /** Text of the mapping file. */
  mappingSql: string;
}

/** Names of the declared sources below `pipelines/sources`. */
export async function listSources(pipelinesDir: string): Promise<string[]> {
  const entries = await readdir(join(pipelinesDir, 'sources'), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

export async function loadSourceSpec(pipelinesDir: string, name: string): Promise<SourceSpec> {
  const known = await listSources(pipelinesDir);
  if (!known.includes(name)) {
    throw new SluiceError('INVALID_REQUEST', `unknown source '${name}'; known: ${known.join(', ')}`);
  }
  const folder = join(pipelinesDir, 'sources', name);
  const file = join(folder, 'source.yaml');
  const { value, problems, report } = readDeclared(file, await readFile(file, 'utf8'), sourceSchema);
  let mappingSql = '';
  if (value) {
    if (value.name !== name) report(['name'], `'${value.name}' must be the folder's name '${name}'`);
    for (const [tableName, { file: tableFile }] of Object.entries(value.tables)) {
      const path = ['tables', tableName];
      if (value.from.kind === 'csv' && tableFile === undefined) report(path, 'missing file: the CSV file of the table');
      if (value.from.kind === 'maven' && tableFile !== undefined)
        report([...path, 'file'], 'only csv sources name files');
    }
    const tables = Object.keys(value.tables);
    for (const [index, fact] of value.facts.entries()) {
      if (!tables.includes(fact)) report(['facts', index], `no table '${fact}'${suggestion(fact, tables)}`);
    }
    mappingSql = await readFile(join(folder, value.mapping), 'utf8').catch(() => {
      report(['mapping'], `no such file: ${join(folder, value.mapping)}`);
      return '';
    });
  }
  failOn(problems);
  return { ...(value as z.output<typeof sourceSchema>), mappingSql };
}
