/** An in-process DuckDB without network: used for mapping sources and writing Parquet. */
import { DuckDBInstance, type DuckDBConnection, type DuckDBValue } from '@duckdb/node-api';

export interface SourceDatabase {
  run(sql: string): Promise<void>;
  /** All rows as text; null = NULL. For small results. */
  rows(sql: string): Promise<Record<string, string | null>[]>;
  /** Rows as text in the order of the query, chunk by chunk; memory does not grow with the result. */
  chunks(sql: string): AsyncGenerator<(string | null)[][]>;
  close(): void;
}

/** Quotes a string literal; file names and the like are never pasted as they are. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

const asText = (value: DuckDBValue | undefined): string | null =>
  value === null || value === undefined ? null : value.toString();

export async function openDatabase(options: { threads?: number; memoryLimit?: string } = {}): Promise<SourceDatabase> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(options.threads ?? 2),
    memory_limit: options.memoryLimit ?? '1GB',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection: DuckDBConnection = await instance.connect();
  await connection.run('set preserve_insertion_order = true');
  return {
    async run(sql) {
      await connection.run(sql);
    },
    async rows(sql) {
      const reader = await connection.runAndReadAll(sql);
      const names = reader.columnNames();
      return reader.getRows().map((row) => Object.fromEntries(names.map((name, index) => [name, asText(row[index])])));
    },
    async *chunks(sql) {
      const result = await connection.stream(sql);
      for (;;) {
        const chunk = await result.fetchChunk();
        if (!chunk || chunk.rowCount === 0) return;
        yield chunk.getRows().map((row) => row.map(asText));
      }
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
