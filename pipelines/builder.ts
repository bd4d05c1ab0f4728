/** Declares a pipeline in TypeScript; the result is the same object that pipeline.yaml is loaded to. */
import { failOn, pathText, type Problem } from './declared.js';
import { knownKeys } from './known-keys.js';
import { suggestion } from './nearest.js';
import type { Pipeline } from './pipeline.js';
import { resolvePipeline } from './resolve.js';
import { pipelineSchema, type PipelineDeclaration } from './schema.js';

export interface BuilderFiles {
  /** Text of the SQL files that jobs name. */
  sql?: Readonly<Record<string, string>>;
}

/** Throws CONFIG_INVALID naming every problem with its key path. */
export function definePipeline(declaration: PipelineDeclaration, files: BuilderFiles = {}): Pipeline {
  const problems: Problem[] = [];
  const report = (path: readonly (string | number)[], message: string): void => {
    problems.push({ file: `pipeline ${declaration.name}`, line: 0, column: 0, path: pathText(path), message });
  };
  const parsed = pipelineSchema.safeParse(declaration);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const path = issue.path as (string | number)[];
      if (issue.code !== 'unrecognized_keys') report(path, issue.message);
      else {
        const known = knownKeys(pipelineSchema, path);
        for (const key of issue.keys) report([...path, key], `unknown key '${key}'${suggestion(key, known)}`);
      }
    }
    failOn(problems);
  }
  const pipeline = resolvePipeline(pipelineSchema.parse(declaration), report, (file) => files.sql?.[file]);
  failOn(problems);
  return pipeline;
}
