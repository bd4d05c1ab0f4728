/** Turns records of a result topic into changes of a table, or says why a record cannot be used. */
import { isUtf8 } from 'node:buffer';
import { SluiceError } from '../errors.js';
import { columnJudge, type ColumnJudge } from './topic-sync-values.js';

/** A curated table as the copying sees it. */
export interface SyncTable {
  schema: string;
  table: string;
  /** Column name to declared type, in the order of the table. */
  columns: Readonly<Record<string, string>>;
  key: readonly string[];
  /** Set = the value holds all rows of one such group. */
  replaceBy?: readonly string[];
}

export interface SourceRecord {
  offset: string;
  key: Buffer | null;
  value: Buffer | null;
}

/**
 * One change. `text` is the JSON as it stands in the record: Postgres reads the digits itself, so no number passes
 * through a float on the way.
 */
export interface Change {
  kind: 'put' | 'delete';
  /** The same for two records of one key, however they are spelled. */
  id: string;
  text: string;
}

export type Decoded = Change | { kind: 'reject'; reason: string };

type JsonObject = Record<string, unknown>;

class Unusable extends Error {}

function parseObject(bytes: Buffer, what: string): { text: string; object: JsonObject } {
  if (!isUtf8(bytes)) throw new Unusable(`${what} is not UTF-8`);
  const text = bytes.toString('utf8');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new Unusable(`${what} is not JSON: ${(error as Error).message}`);
  }
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) {
    throw new Unusable(`${what} is not a JSON object`);
  }
  return { text, object: parsed as JsonObject };
}

function isLossy(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
}

/** Makes the decoder of a table. Records are keyed by `replaceBy` where that is declared, else by the table's key. */
export function createDecoder(table: SyncTable): (record: SourceRecord) => Decoded {
  const judges = new Map<string, ColumnJudge>(
    Object.entries(table.columns).map(([name, type]) => [name, columnJudge(type)]),
  );
  const columns = [...judges.keys()];
  const recordKey = table.replaceBy ?? table.key;
  for (const name of [...recordKey, ...table.key]) {
    if (!judges.has(name))
      throw new SluiceError('CONFIG_INVALID', `${table.table}: key column "${name}" is not declared`);
  }
  if (recordKey.length === 0) throw new SluiceError('CONFIG_INVALID', `${table.table} has no key`);

  function check(object: JsonObject, name: string, nullable: boolean, what: string): void {
    const value = object[name];
    if (value === undefined || !Object.hasOwn(object, name)) throw new Unusable(`${what} lacks "${name}"`);
    if (value === null) {
      if (nullable) return;
      throw new Unusable(`${what}: "${name}" is null but belongs to the key`);
    }
    const fault = (judges.get(name) as ColumnJudge).check(value);
    if (fault !== undefined) throw new Unusable(`${what}: "${name}" ${fault}`);
  }

  function idOf(object: JsonObject, names: readonly string[], exactText: string): string {
    const parts: string[] = [];
    for (const name of names) {
      // Such a number has lost digits in the parser, so only the text as written tells two keys apart.
      if (isLossy(object[name])) return exactText;
      parts.push((judges.get(name) as ColumnJudge).canonical(object[name]));
    }
    return parts.length === 1 ? (parts[0] as string) : JSON.stringify(parts);
  }

  function checkRow(row: JsonObject, what: string): void {
    for (const name of columns) check(row, name, !table.key.includes(name), what);
  }

  function checkGroup(value: JsonObject, group: string): void {
    const rows = value['rows'];
    if (!Array.isArray(rows)) throw new Unusable('value has no list "rows"');
    const seen = new Set<string>();
    rows.forEach((row: unknown, index) => {
      const what = `row ${index}`;
      if (row === null || typeof row !== 'object' || Array.isArray(row)) throw new Unusable(`${what} is not an object`);
      checkRow(row as JsonObject, what);
      if (idOf(row as JsonObject, recordKey, group) !== group)
        throw new Unusable(`${what} belongs to another group than its key`);
      const id = idOf(row as JsonObject, table.key, `#${index}`);
      if (seen.has(id)) throw new Unusable(`${what} repeats the key of a row before it`);
      seen.add(id);
    });
  }

  function decode(record: SourceRecord): Change {
    if (record.key === null) throw new Unusable('record has no key');
    const key = parseObject(record.key, 'key');
    for (const name of recordKey) check(key.object, name, false, 'key');
    const id = idOf(key.object, recordKey, key.text);
    if (record.value === null) return { kind: 'delete', id, text: key.text };

    const value = parseObject(record.value, 'value');
    if (table.replaceBy) {
      for (const name of recordKey) check(value.object, name, false, 'value');
    } else {
      checkRow(value.object, 'value');
    }
    if (idOf(value.object, recordKey, id) !== id) throw new Unusable('key and value name different rows');
    if (table.replaceBy) checkGroup(value.object, id);
    return { kind: 'put', id, text: value.text };
  }

  return (record) => {
    try {
      return decode(record);
    } catch (error) {
      if (error instanceof Unusable) return { kind: 'reject', reason: error.message };
      throw error;
    }
  };
}
