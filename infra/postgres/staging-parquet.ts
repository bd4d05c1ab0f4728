/** Turns a Parquet file into the CSV that COPY reads, with DuckDB, exactly and in bounded memory. */
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { SluiceError } from '../errors.js';
import type { Grain } from './curated-days.js';
import { numericType } from './curated-types.js';

export interface ParquetReader {
  /** Writes `_row_no, _partition, columns…` of one file; returns the number of rows. */
  toCsv(parquetPath: string, csvPath: string, firstRowNo: number): Promise<number>;
  close(): void;
}

export interface ParquetReaderOptions {
  columns: Record<string, string>;
  partitionColumn: string;
  grain: Grain;
  /** Where DuckDB may spill; inside the worker's temporary folder. */
  spillDirectory: string;
}

/** How COPY must read the CSV: an unquoted \N is null, so an empty string stays an empty string. */
export const CSV_COPY_OPTIONS = String.raw`(format csv, null '\N')`;

const INTEGERS = new Set(['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT']);
const ACCEPTED: Record<string, (type: string) => boolean> = {
  date: (type) => type === 'DATE',
  text: (type) => type === 'VARCHAR',
  bigint: (type) => INTEGERS.has(type) || type === 'HUGEINT',
  int: (type) => INTEGERS.has(type),
  boolean: (type) => type === 'BOOLEAN',
  timestamptz: (type) => type === 'TIMESTAMP WITH TIME ZONE',
  timestamp: (type) => type.startsWith('TIMESTAMP') && type !== 'TIMESTAMP WITH TIME ZONE',
  double: (type) => type === 'DOUBLE' || type === 'FLOAT',
  jsonb: (type) => type === 'VARCHAR' || type === 'JSON',
};

/** True when a file column of this type goes into a declared column without any change of value. */
export function fitsExactly(declared: string, fileType: string): boolean {
  const numeric = numericType(declared);
  if (!numeric) return ACCEPTED[declared]?.(fileType) ?? false;
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(fileType);
  // A smaller scale is exact; a larger one would be rounded silently. Too large a value is refused by Postgres.
  return decimal ? Number(decimal[2]) <= numeric.scale : INTEGERS.has(fileType);
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const name = (text: string): string => `"${text.replaceAll('"', '""')}"`;

async function assertSchema(
  connection: DuckDBConnection,
  path: string,
  columns: Record<string, string>,
): Promise<void> {
  const reader = await connection.runAndReadAll(
    `describe select * from read_parquet(${literal(path)}, hive_partitioning = false)`,
  );
  const found = new Map(reader.getRowObjects().map((row) => [String(row['column_name']), String(row['column_type'])]));
  const problems: string[] = [];
  for (const [column, declared] of Object.entries(columns)) {
    const type = found.get(column);
    if (type === undefined) problems.push(`${column} is missing`);
    else if (!fitsExactly(declared, type))
      problems.push(`${column} is ${type}, which does not fit ${declared} exactly`);
    found.delete(column);
  }
  for (const column of found.keys()) problems.push(`${column} is not declared`);
  if (problems.length > 0) {
    throw new SluiceError(
      'STORE_REJECTED',
      `the output's columns differ from the declared ones: ${problems.join('; ')}`,
    );
  }
}

/** A zoned timestamp is printed in the process's own zone, so it is brought to UTC by its microseconds. */
function expression(column: string, declared: string): string {
  return declared === 'timestamptz' ? `make_timestamp(epoch_us(${name(column)}))` : name(column);
}

export async function createParquetReader(options: ParquetReaderOptions): Promise<ParquetReader> {
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    memory_limit: '256MB',
    threads: '2',
    temp_directory: options.spillDirectory,
  });
  const connection = await instance.connect();
  const partition = name(options.partitionColumn);
  const select = [
    options.grain === 'day' ? partition : `date_trunc(${literal(options.grain)}, ${partition})::date`,
    ...Object.entries(options.columns).map(([column, declared]) => expression(column, declared)),
  ].join(', ');
  return {
    async toCsv(parquetPath, csvPath, firstRowNo) {
      await assertSchema(connection, parquetPath, options.columns);
      const result = await connection.run(
        `copy (select ${firstRowNo - 1} + row_number() over (), ${select}
               from read_parquet(${literal(parquetPath)}, hive_partitioning = false))
         to ${literal(csvPath)} (format csv, header false, nullstr '\\N')`,
      );
      return Number((await result.getRows())[0]?.[0] ?? 0);
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
