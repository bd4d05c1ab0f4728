/** Reads a declared YAML file against a zod schema; every problem is reported with file, line, column and key path. */
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import type { z } from 'zod';
import { SluiceError } from '../infra/errors.js';
import { knownKeys } from './known-keys.js';
import { suggestion } from './nearest.js';

export type KeyPath = readonly (string | number)[];

export interface Problem {
  file: string;
  line: number;
  column: number;
  /** `stages.daily.retry`; empty for the whole file. */
  path: string;
  message: string;
}

/** Adds a problem at a key path; `at: 'key'` points at the key itself, not at its value. */
export type Report = (path: KeyPath, message: string, at?: 'key' | 'value') => void;

export interface Declared<T> {
  value: T | undefined;
  problems: Problem[];
  report: Report;
}

type Issue = z.core.$ZodIssue;

export function pathText(path: KeyPath): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`))
    .join('');
}

export function problemText(problem: Problem): string {
  const where = problem.path === '' ? '' : `${problem.path}: `;
  return `${problem.file}:${problem.line}:${problem.column}: ${where}${problem.message}`;
}

/** Throws CONFIG_INVALID naming every problem, one a line, in file order. */
export function failOn(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const sorted = [...problems].sort(
    (left, right) => left.file.localeCompare(right.file) || left.line - right.line || left.column - right.column,
  );
  throw new SluiceError('CONFIG_INVALID', sorted.map(problemText).join('\n'), { details: { problems: sorted } });
}

/** Offset of the nearest existing node on the way to `path`. */
function offsetOf(document: Document, path: KeyPath, at: 'key' | 'value'): number {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const [index, part] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      if (!pair) return offset;
      const key = pair.key as Node;
      const value = pair.value as Node | null;
      const wantKey = at === 'key' && index === path.length - 1;
      // An absent value or a block below its key is shown at the key, where the eye looks for it.
      const block = isMap(value) || isSeq(value);
      offset = (wantKey || block ? key.range?.[0] : (value?.range?.[0] ?? key.range?.[0])) ?? offset;
      node = value;
    } else if (isSeq(node)) {
      node = (node.items[Number(part)] as Node | undefined) ?? null;
      if (!node) return offset;
      offset = node.range?.[0] ?? offset;
    } else return offset;
  }
  return offset;
}

/** Of a failed union, the alternative that came nearest: fewest problems, wrong type of the whole value last. */
function flatten(issue: Issue, prefix: KeyPath): { issue: Issue; path: KeyPath }[] {
  const path = [...prefix, ...(issue.path as (string | number)[])];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const rated = issue.errors.map((errors) => ({
      errors,
      score:
        errors.length + (errors.some((error) => error.code === 'invalid_type' && error.path.length === 0) ? 100 : 0),
    }));
    rated.sort((left, right) => left.score - right.score);
    return (rated[0]?.errors ?? []).flatMap((inner) => flatten(inner, path));
  }
  return [{ issue, path }];
}

function issueText(issue: Issue): string {
  return issue.message.replace(/^Invalid input: /, '');
}

export function readDeclared<S extends z.ZodType>(file: string, text: string, schema: S): Declared<z.output<S>> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const problems: Problem[] = [];
  const add = (offset: number, path: KeyPath, message: string): void => {
    const { line, col } = lines.linePos(offset);
    problems.push({ file, line, column: col, path: pathText(path), message });
  };
  const report: Report = (path, message, at = 'value') => add(offsetOf(document, path, at), path, message);
  for (const error of [...document.errors, ...document.warnings]) add(error.pos[0], [], error.message);
  if (problems.length > 0) return { value: undefined, problems, report };

  const parsed = schema.safeParse(document.toJS());
  if (parsed.success) return { value: parsed.data, problems, report };
  for (const { issue, path } of parsed.error.issues.flatMap((inner) => flatten(inner, []))) {
    if (issue.code === 'unrecognized_keys') {
      const known = knownKeys(schema, path, document.getIn(path, false));
      for (const key of issue.keys) report([...path, key], `unknown key '${key}'${suggestion(key, known)}`, 'key');
    } else if (issue.code === 'invalid_key') {
      const inner = issue.issues[0];
      report(path, `bad name '${String(path.at(-1))}'${inner ? `: ${issueText(inner)}` : ''}`, 'key');
    } else {
      const missing = issue.code === 'invalid_type' && document.getIn(path) === undefined;
      report(path, missing ? `missing (${issueText(issue).replace(', received undefined', '')})` : issueText(issue));
    }
  }
  return { value: undefined, problems, report };
}
