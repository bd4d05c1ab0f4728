/** Brings the tables of a source into DuckDB as schema `raw`, with their declared types checked value by value. */
import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../../infra/errors.js';
import { suggestion } from '../../pipelines/nearest.js';
import type { SourceSpec } from '../../pipelines/source.js';
import { parseColumnType } from '../../pipelines/values.js';
import { identifier, literal, type SourceDatabase } from './database.js';

/** A table's CSV file and how it is called in messages. */
export interface StagedFile {
  path: string;
  label: string;
}

/** What a value must look like, in DuckDB SQL; stricter than its casts, which round and guess. */
function wellFormed(column: string, type: string): string {
  const { kind, precision = 0, scale = 0 } = parseColumnType(type) ?? { kind: 'text' };
  switch (kind) {
    case 'numeric':
      return `regexp_full_match(${column}, '-?[0-9]{1,${precision - scale}}(\\.[0-9]{1,${scale}})?')`;
    case 'int':
    case 'bigint':
      return `regexp_full_match(${column}, '-?[0-9]+') and try_cast(${column} as ${type}) is not null`;
    case 'date':
      return `regexp_full_match(${column}, '[0-9]{4}-[0-9]{2}-[0-9]{2}') and try_cast(${column} as date) is not null`;
    case 'text':
      return `${column} <> '' and not contains(${column}, chr(0))`;
    case 'boolean':
    case 'double':
    case 'jsonb':
    case 'timestamp':
    case 'timestamptz':
      return `try_cast(${column} as ${duckType(type)}) is not null`;
  }
}

function duckType(type: string): string {
  return type === 'text' ? 'varchar' : type.replace(/^numeric/, 'decimal');
}

function csvReader(path: string): string {
  return `read_csv(${literal(path)}, header = true, all_varchar = true, auto_detect = true, delim = ',', quote = '"',
    escape = '"', nullstr = '', allow_quoted_nulls = false, strict_mode = true, sample_size = 1)`;
}

async function loadTable(
  db: SourceDatabase,
  table: string,
  columns: Readonly<Record<string, string>>,
  { path, label }: StagedFile,
): Promise<void> {
  let present: string[];
  try {
    present = (await db.rows(`describe select * from ${csvReader(path)}`)).map((row) => row['column_name'] ?? '');
  } catch (error) {
    throw new SluiceError('INVALID_REQUEST', `${label}: not a readable CSV file`, { cause: error });
  }
  const missing = Object.keys(columns).filter((column) => !present.includes(column));
  if (missing.length > 0) {
    const named = missing.map((column) => `${column}${suggestion(column, present)}`).join('; ');
    throw new SluiceError('INVALID_REQUEST', `${label}: missing column ${named}`);
  }
  const names = Object.keys(columns).map(identifier);
  const staged = `staged.${identifier(table)}`;
  try {
    await db.run(`create table ${staged} as select ${names.join(', ')} from ${csvReader(path)}`);
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
    throw new SluiceError('INVALID_REQUEST', `${label}: ${reason}`, { cause: error });
  }
  for (const [column, type] of Object.entries(columns)) {
    const name = identifier(column);
    const [bad] = await db.rows(
      `select rowid + 1 as row, ${name} as value from ${staged}
       where not coalesce(${wellFormed(name, type)}, false) order by rowid limit 1`,
    );
    if (bad) {
      const value = bad['value'] === null ? 'is empty' : `'${(bad['value'] as string).slice(0, 60)}' is not ${type}`;
      throw new SluiceError('INVALID_REQUEST', `${label}: column ${column}, data row ${bad['row']}: ${value}`);
    }
  }
  const typed = Object.entries(columns).map(([column, type]) => {
    const name = identifier(column);
    return `cast(${name} as ${duckType(type)}) as ${name}`;
  });
  await db.run(`create table raw.${identifier(table)} as select ${typed.join(', ')} from ${staged} order by rowid`);
  await db.run(`drop table ${staged}`);
}

export async function loadTables(
  db: SourceDatabase,
  spec: SourceSpec,
  files: ReadonlyMap<string, StagedFile>,
): Promise<void> {
  await db.run('create schema raw');
  await db.run('create schema staged');
  for (const [table, { columns }] of Object.entries(spec.tables)) {
    await loadTable(db, table, columns, files.get(table) as StagedFile);
  }
}

/** The CSV files of a source in the folder the user named; all missing ones are reported together. */
export async function findCsvFiles(spec: SourceSpec, dataDir: string | undefined): Promise<Map<string, StagedFile>> {
  const names = Object.entries(spec.tables).map(([table, { file }]) => ({ table, file: file as string }));
  const list = names.map(({ file }) => file).join(', ');
  if (dataDir === undefined) {
    throw new SluiceError('INVALID_REQUEST', `source ${spec.name} needs --data DIR, a folder with ${list}`);
  }
  const folder = await stat(dataDir).catch(() => undefined);
  if (!folder?.isDirectory()) throw new SluiceError('INVALID_REQUEST', `--data ${dataDir}: no such folder`);
  const found = new Map<string, StagedFile>();
  const missing: string[] = [];
  for (const { table, file } of names) {
    const path = join(dataDir, file);
    const readable = await access(path).then(
      () => true,
      () => false,
    );
    if (readable) found.set(table, { path, label: path });
    else missing.push(path);
  }
  if (missing.length > 0) {
    throw new SluiceError(
      'INVALID_REQUEST',
      `source ${spec.name}: no such file: ${missing.join(', ')} (wants ${list})`,
    );
  }
  return found;
}
