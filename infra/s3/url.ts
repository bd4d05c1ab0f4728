/** Reads and writes object addresses; `s3://` and `s3a://` name the same object. */
import { SluiceError } from '../errors.js';

export interface ObjectAddress {
  bucket: string;
  key: string;
}

const ADDRESS = /^s3a?:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/s;

/** Splits `s3://bucket/key`; the key may be empty (a whole bucket). */
export function parseObjectUrl(url: string): ObjectAddress {
  const match = ADDRESS.exec(url);
  if (!match) throw new SluiceError('INVALID_REQUEST', `not an object address: ${url} (want s3://<bucket>/<key>)`);
  return { bucket: match[1] as string, key: match[2] ?? '' };
}

export function objectUrl({ bucket, key }: ObjectAddress): string {
  return `s3://${bucket}/${key}`;
}
