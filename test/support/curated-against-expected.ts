/** Compares all curated tables in Postgres with the independent recomputation, row by row. */
import assert from 'node:assert/strict';
import type { Pool } from '../../infra/postgres/pool.js';
import { openCanonicalSales } from './canonical-sales.js';
import {
  EXPECTED_TABLES,
  expectedRows,
  tableDifferences,
  type ExpectedTable,
  type ExpectedTableName,
  type TextRow,
} from './expected-tables.js';

export async function compareWithExpected(pool: Pool, source: string, dataDir?: string): Promise<void> {
  const { db } = await openCanonicalSales(source, dataDir);
  try {
    for (const name of Object.keys(EXPECTED_TABLES) as ExpectedTableName[]) {
      const table: ExpectedTable = EXPECTED_TABLES[name];
      const list = Object.keys(table.columns).map((column) => `"${column}"::text as "${column}"`);
      const { rows } = await pool.query<TextRow>(`select ${list.join(', ')} from curated."${name}"`);
      const expected = await expectedRows(db, name);
      assert.ok(expected.length > 0, `${name}: nothing expected`);
      assert.equal(rows.length, expected.length, `${name}: number of rows`);
      assert.deepEqual(tableDifferences(name, rows, expected), [], name);
    }
  } finally {
    db.close();
  }
}
