/** Applies one batch of a partition to its table: rows, rejects and the new position in one transaction. */
import { SluiceError } from '../errors.js';
import { postgresType, quoteName } from '../postgres/curated-types.js';
import type { Pool, PoolClient } from '../postgres/pool.js';
import type { Change, SyncTable } from './topic-sync-decode.js';
import { advance, conflict, readOffsets, type SyncId } from './topic-sync-offsets.js';

/** The newest change of one key in a batch, with the bytes it came from in case Postgres refuses it. */
export interface KeyedChange extends Change {
  offset: string;
  keyBytes: Buffer | null;
  bytes: Buffer | null;
}

export interface Reject {
  offset: string;
  reason: string;
  keyBytes: Buffer | null;
  bytes: Buffer | null;
}

export interface PartitionBatch {
  partition: number;
  from: bigint;
  to: bigint;
  /** At most one per key. */
  changes: readonly KeyedChange[];
  rejects: readonly Reject[];
}

export interface Applied {
  deleted: number;
  rejected: number;
}

export interface TableWriterOptions {
  pool: Pool;
  id: SyncId;
  table: SyncTable;
  fence: string;
  onReject: 'divert' | 'fail';
}

/** SQLSTATE classes that blame the data: one record at a time shows which. */
const DATA_CLASSES = new Set(['21', '22', '23', '54']);
/** More refusals by Postgres than this in one batch is no bad record but a wrong declaration. */
const MAX_REFUSED = 1_000;

interface Statements {
  put: string[];
  delete: string;
}

/** The set-based statements of a table; each takes the changes as one JSON array. */
export function syncStatements(table: SyncTable): Statements {
  const name = `${quoteName(table.schema)}.${quoteName(table.table)}`;
  const typed = (columns: readonly string[]): string =>
    columns.map((column) => `${quoteName(column)} ${postgresType(table.columns[column] ?? '')}`).join(', ');
  const listed = (columns: readonly string[], prefix = ''): string =>
    columns.map((column) => `${prefix}${quoteName(column)}`).join(', ');
  const columns = Object.keys(table.columns);
  const recordKey = table.replaceBy ?? table.key;
  const remove =
    `delete from ${name} t using json_to_recordset($1::json) as r(${typed(recordKey)}) where ` +
    recordKey.map((column) => `t.${quoteName(column)} = r.${quoteName(column)}`).join(' and ');
  if (table.replaceBy) {
    const insert =
      `insert into ${name} (${listed(columns)}) select ${listed(columns, 'r.')} from json_array_elements($1::json) g ` +
      `cross join lateral json_to_recordset(g -> 'rows') as r(${typed(columns)})`;
    return { put: [remove, insert], delete: remove };
  }
  const rest = columns.filter((column) => !table.key.includes(column));
  // Rows that would not change are left alone: a replay writes nothing.
  const onConflict =
    rest.length === 0
      ? 'do nothing'
      : `do update set ${rest.map((column) => `${quoteName(column)} = excluded.${quoteName(column)}`).join(', ')} ` +
        `where (${listed(rest, 't.')}) is distinct from (${listed(rest, 'excluded.')})`;
  const upsert =
    `insert into ${name} as t (${listed(columns)}) select ${listed(columns, 'r.')} from json_to_recordset($1::json) ` +
    `as r(${typed(columns)}) on conflict (${listed(table.key)}) ${onConflict}`;
  return { put: [upsert], delete: remove };
}

function isDataError(error: unknown): error is Error & { code: string } {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && code.length === 5 && DATA_CLASSES.has(code.slice(0, 2));
}

function asJson(changes: readonly KeyedChange[]): string {
  return `[${changes.map((change) => change.text).join(',')}]`;
}

/** Makes the writer of one table; it throws what Postgres throws, and STORE_CONFLICT when it may not write any more. */
export function createTableWriter(options: TableWriterOptions): (batch: PartitionBatch) => Promise<Applied> {
  const { pool, id, table, fence, onReject } = options;
  const statements = syncStatements(table);

  async function applyAll(client: PoolClient, changes: readonly KeyedChange[]): Promise<number> {
    const puts = changes.filter((change) => change.kind === 'put');
    const deletes = changes.filter((change) => change.kind === 'delete');
    if (puts.length > 0) {
      const json = asJson(puts);
      for (const statement of statements.put) await client.query(statement, [json]);
    }
    if (deletes.length === 0) return 0;
    return (await client.query(statements.delete, [asJson(deletes)])).rowCount ?? 0;
  }

  /** Halves the batch until the records that Postgres refuses stand alone. */
  async function applyApart(client: PoolClient, changes: readonly KeyedChange[], refused: Reject[]): Promise<number> {
    await client.query('savepoint part');
    try {
      const deleted = await applyAll(client, changes);
      await client.query('release savepoint part');
      return deleted;
    } catch (error) {
      if (!isDataError(error)) throw error;
      await client.query('rollback to savepoint part');
      const first = changes[0] as KeyedChange;
      if (changes.length === 1) {
        const { offset, keyBytes, bytes } = first;
        refused.push({
          offset,
          keyBytes,
          bytes,
          reason: `Postgres refused: ${error.message} (SQLSTATE ${error.code})`,
        });
        if (refused.length > MAX_REFUSED) {
          throw new SluiceError(
            'STORE_REJECTED',
            `Postgres refused more than ${MAX_REFUSED} records of ${id.topic} in one batch, so the declaration of ` +
              `${table.table} seems wrong; the last: ${error.message} (SQLSTATE ${error.code})`,
          );
        }
        return 0;
      }
      const middle = changes.length >> 1;
      const left = await applyApart(client, changes.slice(0, middle), refused);
      return left + (await applyApart(client, changes.slice(middle), refused));
    }
  }

  async function insertRejects(client: PoolClient, partition: number, rejects: readonly Reject[]): Promise<number> {
    if (rejects.length === 0) return 0;
    const first = rejects[0] as Reject;
    if (onReject === 'fail') {
      throw new SluiceError(
        'STORE_REJECTED',
        `${id.topic}-${partition}@${first.offset} cannot be used: ${first.reason}`,
        {
          details: { topic: id.topic, partition, offset: first.offset, rejects: rejects.length },
        },
      );
    }
    const { rowCount } = await client.query(
      `insert into control.rejected (pipeline, table_name, topic, partition, "offset", reason, key_bytes, bytes)
       select $1, $2, $3, $4, r.at, r.reason, decode(r.key, 'hex'), decode(r.value, 'hex')
       from unnest($5::bigint[], $6::text[], $7::text[], $8::text[]) as r(at, reason, key, value)
       on conflict do nothing`,
      [
        id.pipeline,
        id.table,
        id.topic,
        partition,
        rejects.map((reject) => reject.offset),
        // The reason may quote the record, NUL included.
        rejects.map((reject) => reject.reason.replaceAll('\u0000', '\\u0000').slice(0, 2_000)),
        rejects.map((reject) => reject.keyBytes?.toString('hex') ?? null),
        rejects.map((reject) => reject.bytes?.toString('hex') ?? null),
      ],
    );
    return rowCount ?? 0;
  }

  async function attempt(client: PoolClient, batch: PartitionBatch, apart: boolean): Promise<Applied> {
    await client.query('begin');
    const moved = await advance(client, id, { fence, partition: batch.partition, from: batch.from, to: batch.to });
    if (moved === 'superseded') throw conflict(id, batch.partition, 'a newer attempt has taken over');
    if (moved === 'elsewhere') {
      throw conflict(
        id,
        batch.partition,
        `the stored position is not ${batch.from} as expected: somebody else moved it`,
      );
    }
    const refused: Reject[] = [];
    const deleted = apart ? await applyApart(client, batch.changes, refused) : await applyAll(client, batch.changes);
    const rejected = await insertRejects(client, batch.partition, [...batch.rejects, ...refused]);
    await client.query('commit');
    return { deleted, rejected };
  }

  return async (batch) => {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      try {
        return await attempt(client, batch, false);
      } catch (error) {
        if (!isDataError(error)) throw error;
        await client.query('rollback');
        return await attempt(client, batch, true);
      }
    } catch (error) {
      await client.query('rollback').catch((failed: unknown) => {
        broken = failed as Error;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  };
}

/** After a lost answer to a commit: whether the batch is in, seen by the stored position. */
export async function isApplied(pool: Pool, id: SyncId, batch: PartitionBatch): Promise<boolean> {
  return (await readOffsets(pool, id)).get(batch.partition) === batch.to;
}
