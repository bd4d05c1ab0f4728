/** Makes the JSON Schemas for editors from the zod schemas; run it to write them beside this file. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { pipelineSchema } from './schema.js';
import { sourceSchema } from './source.js';

export const SCHEMA_FILES = {
  'pipeline.schema.json': { title: 'A Sluice pipeline', schema: pipelineSchema },
  'source.schema.json': { title: 'A Sluice source', schema: sourceSchema },
} as const;

/** Text of a schema file. */
export function schemaText(file: keyof typeof SCHEMA_FILES): string {
  const { title, schema } = SCHEMA_FILES[file];
  const json = z.toJSONSchema(schema, { io: 'input', target: 'draft-7', unrepresentable: 'any' });
  return `${JSON.stringify({ title, ...json }, null, 2)}\n`;
}

export async function writeSchemas(): Promise<void> {
  for (const file of Object.keys(SCHEMA_FILES) as (keyof typeof SCHEMA_FILES)[]) {
    await writeFile(fileURLToPath(new URL(file, import.meta.url)), schemaText(file));
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await writeSchemas();
