/** Loads declared pipelines from a folder; all problems of all files are reported together. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { SluiceError } from '../infra/errors.js';
import { failOn, readDeclared, type Problem } from './declared.js';
import { suggestion } from './nearest.js';
import type { Pipeline } from './pipeline.js';
import { resolvePipeline } from './resolve.js';
import { pipelineSchema } from './schema.js';

const FILE = 'pipeline.yaml';

/** Names of the pipelines in a folder: its subfolders that hold a pipeline.yaml. */
export async function listPipelines(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error: unknown) => {
    throw new SluiceError('CONFIG_INVALID', `no folder of pipelines: ${dir}`, { cause: error });
  });
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const holds = await Promise.all(folders.map(async (name) => (await readdir(join(dir, name))).includes(FILE)));
  return folders.filter((_, index) => holds[index]).sort();
}

async function readSqlFiles(folder: string): Promise<Map<string, string>> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql'));
  return new Map(
    await Promise.all(files.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const)),
  );
}

interface ReadResult {
  pipeline: Pipeline | undefined;
  problems: Problem[];
}

async function readOne(dir: string, name: string): Promise<ReadResult> {
  const path = join(dir, name, FILE);
  const shown = relative(process.cwd(), path);
  const [text, sql] = await Promise.all([readFile(path, 'utf8'), readSqlFiles(join(dir, name))]);
  const { value, problems, report } = readDeclared(shown.startsWith('..') ? path : shown, text, pipelineSchema);
  if (!value) return { pipeline: undefined, problems };
  if (value.name !== name) report(['name'], `'${value.name}' must be the folder's name '${name}'`);
  const pipeline = resolvePipeline(value, report, (file) => sql.get(file));
  return { pipeline, problems };
}

/** Two pipelines must not write the same curated table or result topic. */
function sharedWrites(pipelines: readonly Pipeline[]): Problem[] {
  const problems: Problem[] = [];
  const owners = new Map<string, string>();
  for (const pipeline of pipelines) {
    const written = [
      ...Object.keys(pipeline.curated).map((table) => `curated table '${table}'`),
      ...Object.values(pipeline.streams).flatMap(({ outputs }) =>
        Object.values(outputs).map(({ topic }) => `topic '${topic}'`),
      ),
    ];
    for (const what of written) {
      const owner = owners.get(what);
      if (owner === undefined) owners.set(what, pipeline.name);
      else if (owner !== pipeline.name) {
        const message = `${what} is written by pipeline '${owner}' too`;
        problems.push({ file: join(pipeline.name, FILE), line: 1, column: 1, path: '', message });
      }
    }
  }
  return problems;
}

/** Every pipeline in the folder, by name. Throws CONFIG_INVALID with all problems of all files. */
export async function loadPipelines(dir: string): Promise<Pipeline[]> {
  const names = await listPipelines(dir);
  const results = await Promise.all(names.map((name) => readOne(dir, name)));
  const pipelines = results.flatMap(({ pipeline }) => pipeline ?? []);
  failOn([...results.flatMap(({ problems }) => problems), ...sharedWrites(pipelines)]);
  return pipelines;
}

/** One pipeline. Throws INVALID_REQUEST when there is none of that name, CONFIG_INVALID when it is not sound. */
export async function loadPipeline(dir: string, name: string): Promise<Pipeline> {
  const known = await listPipelines(dir);
  if (!known.includes(name)) {
    const near = suggestion(name, known);
    const list = near.startsWith(' (did') ? `${near}; known: ${known.join(', ')}` : near;
    throw new SluiceError('INVALID_REQUEST', `unknown pipeline '${name.slice(0, 80)}'${list}`, { details: { known } });
  }
  const { pipeline, problems } = await readOne(dir, name);
  failOn(problems);
  return pipeline as Pipeline;
}
