/** Extracts the wanted tables of an HSQLDB script inside a jar to CSV files, in one pass over the script. */
import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { SluiceError } from '../../infra/errors.js';
import { suggestion } from '../../pipelines/nearest.js';
import type { SourceSpec } from '../../pipelines/source.js';
import { createScriptParser, type ScriptValue } from './hsqldb-script.js';
import type { StagedFile } from './staged-tables.js';
import { openZipEntry } from './zip-entry.js';

interface TableWriter {
  path: string;
  columns: string[];
  /** Positions of the wanted columns in a row of the script; set by CREATE TABLE. */
  positions: number[] | undefined;
  width: number;
  pending: string[];
  stream: WriteStream;
}

const FLUSH_ROWS = 5_000;

/** NULL is an empty field, an empty text is `""`. */
function csvField(value: ScriptValue): string {
  return value === null ? '' : `"${value.replaceAll('"', '""')}"`;
}

export async function extractScriptTables(
  spec: SourceSpec,
  jar: string,
  entry: string,
  workDir: string,
  signal?: AbortSignal,
): Promise<Map<string, StagedFile>> {
  const writers = new Map<string, TableWriter>();
  for (const [table, { columns }] of Object.entries(spec.tables)) {
    const path = join(workDir, `${table}.csv`);
    const names = Object.keys(columns);
    const stream = createWriteStream(path);
    writers.set(table, { path, columns: names, positions: undefined, width: 0, pending: [names.join(',')], stream });
  }
  const parser = createScriptParser(new Set(writers.keys()), {
    onTable(table, present) {
      const writer = writers.get(table) as TableWriter;
      writer.width = present.length;
      writer.positions = writer.columns.map((column) => {
        const position = present.indexOf(column);
        if (position < 0) {
          throw new SluiceError(
            'STORE_REJECTED',
            `${entry}: table ${table} has no column ${column}${suggestion(column, present)}`,
          );
        }
        return position;
      });
    },
    onRow(table, values) {
      const writer = writers.get(table) as TableWriter;
      if (!writer.positions)
        throw new SluiceError('STORE_REJECTED', `${entry}: rows of ${table} before its CREATE TABLE`);
      if (values.length !== writer.width) {
        throw new SluiceError(
          'STORE_REJECTED',
          `${entry}: a row of ${table} has ${values.length} values, not ${writer.width}`,
        );
      }
      writer.pending.push(writer.positions.map((position) => csvField(values[position] ?? null)).join(','));
    },
  });

  async function flush(writer: TableWriter): Promise<void> {
    if (writer.pending.length === 0) return;
    const text = `${writer.pending.join('\n')}\n`;
    writer.pending = [];
    if (!writer.stream.write(text)) await once(writer.stream, 'drain', { signal });
  }

  try {
    const script = await openZipEntry(jar, entry);
    for await (const chunk of script) {
      signal?.throwIfAborted();
      parser.write(chunk as Uint8Array);
      for (const writer of writers.values()) if (writer.pending.length >= FLUSH_ROWS) await flush(writer);
    }
    parser.end();
    for (const [table, writer] of writers) {
      if (!writer.positions) throw new SluiceError('STORE_REJECTED', `${entry}: no table ${table}`);
      await flush(writer);
    }
  } finally {
    for (const writer of writers.values()) writer.stream.end();
    await Promise.all([...writers.values()].map((writer) => finished(writer.stream)));
  }
  return new Map(
    [...writers].map(([table, { path }]) => [table, { path, label: `${entry}, table ${table}` }] as const),
  );
}
