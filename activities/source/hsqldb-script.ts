/** Reads the INSERT statements of an HSQLDB script as they stream by, without a database. */
import { SluiceError } from '../../infra/errors.js';

/** A value as text; null = NULL. Numbers, booleans and quoted text all arrive as text. */
export type ScriptValue = string | null;

export interface ScriptHandlers {
  /** Column names of a wanted table, from its CREATE TABLE, which stands before its rows. */
  onTable(table: string, columns: string[]): void;
  onRow(table: string, values: ScriptValue[]): void;
}

const INSERT = /^INSERT INTO (?:"[^"]+"\.)?(?:"([^"]+)"|([A-Za-z0-9_]+)) VALUES\(/;
const CREATE = /^CREATE (?:MEMORY |CACHED )?TABLE (?:(?:"[^"]+"|[A-Za-z0-9_]+)\.)?(?:"([^"]+)"|([A-Za-z0-9_]+))\(/;
const UNICODE = /\\u([0-9a-fA-F]{4})/g;

/** Scripts are ASCII: any other character, and a backslash that could be misread, stands as `\uXXXX`. */
function unescape(text: string): string {
  return text.includes('\\u')
    ? text.replace(UNICODE, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    : text;
}

/** Values between the parentheses; undefined when the statement goes on after this line. */
export function parseValues(line: string, start: number): ScriptValue[] | undefined {
  const values: ScriptValue[] = [];
  let at = start;
  for (;;) {
    if (line[at] === "'") {
      let text = '';
      let from = at + 1;
      for (;;) {
        const quote = line.indexOf("'", from);
        if (quote < 0) return undefined;
        text += line.slice(from, quote);
        if (line[quote + 1] !== "'") {
          at = quote + 1;
          break;
        }
        text += "'";
        from = quote + 2;
      }
      values.push(unescape(text));
    } else {
      let end = at;
      while (end < line.length && line[end] !== ',' && line[end] !== ')') end += 1;
      if (end === line.length) return undefined;
      const word = line.slice(at, end);
      values.push(word === 'NULL' ? null : word);
      at = end;
    }
    if (line[at] === ')') return values;
    if (line[at] !== ',')
      throw new SluiceError('STORE_REJECTED', `HSQLDB script: cannot read values at: ${line.slice(0, 120)}`);
    at += 1;
  }
}

/** Column names of a CREATE TABLE statement whose list begins at `start`. */
export function parseColumns(line: string, start: number): string[] {
  const names: string[] = [];
  let depth = 0;
  let expectName = true;
  for (let at = start; at < line.length; at += 1) {
    const char = line[at] as string;
    if (expectName && depth === 0) {
      const match = /^(?:"([^"]+)"|([A-Za-z0-9_]+))/.exec(line.slice(at, at + 130));
      if (!match) break;
      // A constraint begins with a bare word; columns of these scripts are quoted or end the list before it.
      if (match[2] !== undefined && /^(CONSTRAINT|PRIMARY|UNIQUE|FOREIGN|CHECK)$/.test(match[2])) break;
      names.push(match[1] ?? (match[2] as string));
      at += match[0].length - 1;
      expectName = false;
    } else if (char === '(') depth += 1;
    else if (char === ')') {
      if (depth === 0) break;
      depth -= 1;
    } else if (char === ',' && depth === 0) expectName = true;
  }
  return names;
}

/** A parser to feed with chunks of the script; memory does not grow with the script. */
export function createScriptParser(wanted: ReadonlySet<string>, handlers: ScriptHandlers) {
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  let open = '';

  function statement(line: string): void {
    const text = open === '' ? line : `${open}\n${line}`;
    open = '';
    if (text.startsWith('INSERT ')) {
      const match = INSERT.exec(text);
      const table = match?.[1] ?? match?.[2];
      if (!match || table === undefined || !wanted.has(table)) return;
      const values = parseValues(text, match[0].length);
      if (values) handlers.onRow(table, values);
      else open = text;
    } else if (text.startsWith('CREATE ')) {
      const match = CREATE.exec(text);
      const table = match?.[1] ?? match?.[2];
      if (match && table !== undefined && wanted.has(table))
        handlers.onTable(table, parseColumns(text, match[0].length));
    }
  }

  function lines(text: string): void {
    let from = 0;
    for (;;) {
      const end = text.indexOf('\n', from);
      if (end < 0) break;
      statement(text.charCodeAt(end - 1) === 13 && end > from ? text.slice(from, end - 1) : text.slice(from, end));
      from = end + 1;
    }
    rest = text.slice(from);
  }

  return {
    write(chunk: Uint8Array): void {
      lines(rest + decoder.decode(chunk, { stream: true }));
    },
    end(): void {
      lines(rest + decoder.decode());
      if (rest !== '') statement(rest);
      rest = '';
      if (open !== '') throw new SluiceError('STORE_REJECTED', `HSQLDB script ends within: ${open.slice(0, 120)}`);
    },
  };
}
