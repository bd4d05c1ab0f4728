/** One name per dataset, however it was addressed: no user, password, query or spelling of the host gets into it. */

export interface DatasetName {
  namespace: string;
  name: string;
}

export interface PostgresTable {
  host: string;
  port?: number;
  database: string;
  schema?: string;
  table: string;
}

/** `postgres://host:port` and `database.schema.table`; port 5432 and schema `public` when not given. */
export function postgresTable(at: PostgresTable): DatasetName {
  return {
    namespace: `postgres://${at.host.toLowerCase()}:${at.port ?? 5432}`,
    name: `${at.database}.${at.schema ?? 'public'}.${at.table}`,
  };
}

/** The same from a connection string; of it only host, port and database are used. `table` may be `schema.table`. */
export function postgresTableFromUrl(connectionString: string, table: string): DatasetName {
  const url = parseUrl(connectionString, ['postgres:', 'postgresql:']);
  const [first, second] = table.split('.');
  if (first === undefined || first === '') throw new TypeError('a Postgres dataset needs a table name');
  return postgresTable({
    host: url.hostname === '' ? 'localhost' : url.hostname,
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    database: decodeURIComponent(url.pathname.slice(1)) || 'postgres',
    ...(second === undefined ? { table: first } : { schema: first, table: second }),
  });
}

/** `kafka://host:port` of the first broker (as the engines' own listeners do) and the topic. */
export function kafkaTopic(bootstrapServers: string, topic: string): DatasetName {
  const first = (bootstrapServers.split(',')[0] ?? '').trim().replace(/^[A-Za-z_]+:\/\//, '');
  const match = /^(\[[^\]]+\]|[^:@/\s]+)(?::(\d+))?$/.exec(first);
  if (match?.[1] === undefined) throw new TypeError('bootstrap servers must be host:port, separated by commas');
  return { namespace: `kafka://${match[1].toLowerCase()}:${match[2] ?? '9092'}`, name: topic };
}

/** `s3://bucket` and the key or key prefix without slashes at its ends; the bucket itself is `/`. `s3a:` and `s3n:` are the same. */
export function s3Object(location: string): DatasetName {
  const match = /^s3[an]?:\/\/([^/?#@\s]+)(?:\/([^?#]*))?$/i.exec(location);
  if (match?.[1] === undefined) throw new TypeError('an S3 dataset is named s3://bucket/prefix');
  const key = (match[2] ?? '').replace(/^\/+|\/+$/g, '');
  return { namespace: `s3://${match[1]}`, name: key === '' ? '/' : key };
}

/** Errors never repeat the text, and carry no cause: Node's own error for a bad URL holds the whole of it. */
function parseUrl(text: string, protocols: readonly string[]): URL {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    url = undefined;
  }
  if (url === undefined || !protocols.includes(url.protocol) || url.hash !== '') {
    throw new TypeError(
      `expected one address of the form ${protocols[0]}//host:port/name (special characters encoded)`,
    );
  }
  return url;
}
