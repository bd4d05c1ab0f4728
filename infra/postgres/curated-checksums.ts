/** Checksums of whole curated tables, independent of row order, for comparing two states of a database. */
import { inTransaction, toStoreError, type Pool } from './pool.js';
import { quoteName } from './curated-types.js';

export interface TableChecksum {
  rows: number;
  checksum: string;
}

/** Every table of the schema `curated`, by name. The same rows give the same checksum on every server and in every order. */
export async function curatedChecksums(pool: Pool): Promise<Record<string, TableChecksum>> {
  try {
    return await inTransaction(pool, async (client) => {
      await client.query(`set local datestyle = 'ISO, YMD'`);
      const { rows: tables } = await client.query<{ name: string; columns: string[] }>(
        `select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
         from pg_class c
         join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'curated'
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         where c.relkind in ('r', 'p')
         group by c.relname order by c.relname`,
      );
      const result: Record<string, TableChecksum> = {};
      for (const table of tables) {
        const columns = table.columns.map(quoteName).join(', ');
        const { rows } = await client.query<{ rows: string; checksum: string }>(
          `select count(*) as rows, control.table_checksum(sum(control.row_hash(row(${columns})::text)), count(*)) as checksum
           from curated.${quoteName(table.name)}`,
        );
        const row = rows[0];
        if (row) result[table.name] = { rows: Number(row.rows), checksum: row.checksum };
      }
      return result;
    });
  } catch (error) {
    throw toStoreError(error);
  }
}
