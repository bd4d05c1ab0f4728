/** The Postgres pool and the one way to run a transaction, with retries decided by SQLSTATE only. */
import pg from 'pg';
import { SluiceError } from '../errors.js';

export type Pool = pg.Pool;
export type PoolClient = pg.PoolClient;

export interface PoolOptions {
  connectionString: string;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** Upper bound of open connections; default 10. */
  max?: number;
  /** Default 0 = none; the server cancels a statement that runs longer. */
  statementTimeoutMs?: number;
  /** How long a transaction may wait for its client; default 60 s. */
  idleInTransactionMs?: number;
}

/** int8, date, timestamp, timestamptz, numeric. */
const TEXT_TYPES = new Set([20, 1082, 1114, 1184, 1700]);

/** Text in, text out for dates, timestamps, numerics and bigints: no value passes through a float or a local zone. */
const textTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary'): unknown => {
    if (TEXT_TYPES.has(oid) && format !== 'binary') return (value: string) => value;
    return pg.types.getTypeParser(oid, format) as unknown;
  }) as typeof pg.types.getTypeParser,
};

export function createPool(options: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    application_name: options.applicationName,
    max: options.max ?? 10,
    statement_timeout: options.statementTimeoutMs ?? 0,
    // A process that is paused in the middle of a transaction must not hold its locks against whoever takes over.
    idle_in_transaction_session_timeout: options.idleInTransactionMs ?? 60_000,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    types: textTypes,
    options: '-c timezone=UTC -c client_min_messages=warning',
  });
  // An idle connection that the server drops must not end the process; the next query opens a new one.
  pool.on('error', () => undefined);
  // The same for one that is checked out: the query that uses it next fails, which is where it is handled.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

const RETRY_CLASSES = ['08', '53'];
const RETRY_CODES = new Set(['40001', '40P01', '57P01', '57P02', '57P03', '55P03', '25P03']);
/** The driver's own words, which have no code, for a connection that is gone. */
const CONNECTION_GONE = /^(Connection terminated|Client has encountered a connection error)/;

/** The driver found its connection gone. */
export const isConnectionGone = (error: unknown): boolean =>
  error instanceof Error && CONNECTION_GONE.test(error.message);
const NETWORK_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN']);

/** True when the same statement may work on a second try. Decided by code, never by message text. */
export function isRetryablePg(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string') return isConnectionGone(error);
  return NETWORK_CODES.has(code) || RETRY_CODES.has(code) || RETRY_CLASSES.includes(code.slice(0, 2));
}

/** Wraps a driver error in our table; connection strings never reach the message. */
export function toStoreError(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const code = (error as { code?: string }).code ?? 'unknown';
  const message = error instanceof Error ? error.message : String(error);
  return isRetryablePg(error)
    ? new SluiceError('STORE_UNREACHABLE', `Postgres is not available (${code})`, { cause: error })
    : new SluiceError('STORE_REJECTED', `Postgres refused: ${message} (SQLSTATE ${code})`, { cause: error });
}

/** Runs `work` in one transaction; serialization failures and deadlocks are tried again up to five times. */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const client = await pool.connect().catch((error: unknown) => {
      throw toStoreError(error);
    });
    let broken: Error | undefined;
    try {
      await client.query('begin');
      const result = await work(client);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch((rollbackError: unknown) => {
        broken = rollbackError as Error;
      });
      const code = (error as { code?: string }).code;
      if ((code === '40001' || code === '40P01') && attempt < 5) continue;
      throw error;
    } finally {
      client.release(broken);
    }
  }
}
