/** A database of its own for each lineage test file, on the server in DATABASE_URL, dropped at the end. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import type { RunEvent } from 'openlineage-client';
import { insertLineage } from '../../infra/postgres/outbox.js';
import type { RelayLog } from '../../workers/relay.js';

const url = process.env['DATABASE_URL'];
export const skipWithoutPostgres: string | false = url === undefined ? 'set DATABASE_URL to a Postgres server' : false;

export interface LineageDatabase {
  pool: pg.Pool;
  drop(): Promise<void>;
}

export async function createLineageDatabase(): Promise<LineageDatabase> {
  const name = `sluice_lineage_${process.pid}_${randomBytes(4).toString('hex')}`;
  await administer(`create database ${name}`);
  const own = new URL(url ?? '');
  own.pathname = `/${name}`;
  const pool = new pg.Pool({ connectionString: own.toString(), max: 20 });
  pool.on('error', () => undefined);
  const migration = new URL('../../infra/postgres/migrations/0005-lineage.sql', import.meta.url);
  await pool.query(await readFile(migration, 'utf8'));
  return {
    pool,
    async drop() {
      await pool.end();
      await administer(`drop database ${name} with (force)`);
    },
  };
}

async function administer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

/** One transaction with the given events; returns how many were new. */
export function record(pool: pg.Pool, ...events: RunEvent[]): Promise<number> {
  return inTransaction(pool, (client) => insertLineage(client, events));
}

/** Fails after `deadlineMs` with what was awaited. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, deadlineMs = 10_000): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export interface RecordedLog extends RelayLog {
  lines: { level: string; message: string; fields: object }[];
}

export function recordLog(): RecordedLog {
  const lines: RecordedLog['lines'] = [];
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, message, fields });
  return { lines, info: at('info'), warn: at('warn'), error: at('error') };
}
