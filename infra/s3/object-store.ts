/** Objects by address: read, write (also conditionally), list and copy from and to local files. */
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SluiceError } from '../errors.js';
import { isNotFound, isPreconditionFailed, toObjectError } from './errors.js';
import { objectUrl, parseObjectUrl } from './url.js';

export interface ObjectInfo {
  url: string;
  bytes: number;
}

export interface PutOptions {
  /** `*` = only if nothing is there yet. */
  ifNoneMatch?: '*';
  contentType?: string;
}

export interface ObjectStore {
  exists(url: string, signal?: AbortSignal): Promise<boolean>;
  /** undefined when there is no such object. */
  getText(url: string, signal?: AbortSignal): Promise<string | undefined>;
  /** undefined when there is no such object; STORE_REJECTED when it is not JSON. */
  getJson(url: string, signal?: AbortSignal): Promise<unknown>;
  /** The object's bytes as a stream; throws STORE_REJECTED when there is no such object. */
  getStream(url: string, signal?: AbortSignal): Promise<Readable>;
  /** False when `ifNoneMatch` was given and the object was already there. */
  putText(url: string, text: string, options?: PutOptions): Promise<boolean>;
  putFile(url: string, path: string, options?: Pick<PutOptions, 'contentType'>): Promise<void>;
  /** Writes beside the target and renames, so that a file under `path` is always whole. */
  download(url: string, path: string, signal?: AbortSignal): Promise<void>;
  /** Every object below the address, in key order. */
  list(prefix: string, signal?: AbortSignal): Promise<ObjectInfo[]>;
  /** Deletes every object below the address and returns how many there were. */
  removeAll(prefix: string): Promise<number>;
}

/** Files above this go up in parts. */
const MULTIPART_FROM_BYTES = 32 * 1024 * 1024;

export function createObjectStore(s3: S3Client): ObjectStore {
  async function getStream(url: string, signal?: AbortSignal): Promise<Readable> {
    const { bucket, key } = parseObjectUrl(url);
    try {
      const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal });
      return answer.Body as Readable;
    } catch (error) {
      throw toObjectError(error, url);
    }
  }

  async function getText(url: string, signal?: AbortSignal): Promise<string | undefined> {
    const { bucket, key } = parseObjectUrl(url);
    try {
      const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal });
      return (await answer.Body?.transformToString('utf-8')) ?? '';
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw toObjectError(error, url);
    }
  }

  async function list(prefix: string, signal?: AbortSignal): Promise<ObjectInfo[]> {
    const { bucket, key } = parseObjectUrl(prefix);
    const found: ObjectInfo[] = [];
    let token: string | undefined;
    do {
      try {
        const page = await s3.send(
          new ListObjectsV2Command({ Bucket: bucket, Prefix: key, ContinuationToken: token }),
          { abortSignal: signal },
        );
        for (const object of page.Contents ?? []) {
          if (object.Key !== undefined) {
            found.push({ url: objectUrl({ bucket, key: object.Key }), bytes: object.Size ?? 0 });
          }
        }
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } catch (error) {
        throw toObjectError(error, prefix);
      }
    } while (token !== undefined);
    return found;
  }

  return {
    getStream,
    getText,
    list,

    async exists(url, signal) {
      const { bucket, key } = parseObjectUrl(url);
      try {
        await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal });
        return true;
      } catch (error) {
        if (isNotFound(error)) return false;
        throw toObjectError(error, url);
      }
    },

    async getJson(url, signal) {
      const text = await getText(url, signal);
      if (text === undefined) return undefined;
      try {
        return JSON.parse(text) as unknown;
      } catch (error) {
        throw new SluiceError('STORE_REJECTED', `${url} is not JSON`, { cause: error });
      }
    },

    async putText(url, text, options = {}) {
      const { bucket, key } = parseObjectUrl(url);
      try {
        await s3.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: key,
            Body: Buffer.from(text, 'utf8'),
            ContentType: options.contentType ?? 'text/plain; charset=utf-8',
            IfNoneMatch: options.ifNoneMatch,
          }),
        );
        return true;
      } catch (error) {
        if (options.ifNoneMatch !== undefined && isPreconditionFailed(error)) return false;
        throw toObjectError(error, url);
      }
    },

    async putFile(url, path, options = {}) {
      const { bucket, key } = parseObjectUrl(url);
      const { size } = await stat(path);
      const target = {
        Bucket: bucket,
        Key: key,
        ContentType: options.contentType ?? 'application/octet-stream',
        Body: createReadStream(path),
      };
      try {
        if (size < MULTIPART_FROM_BYTES) await s3.send(new PutObjectCommand({ ...target, ContentLength: size }));
        else await new Upload({ client: s3, params: target }).done();
      } catch (error) {
        throw toObjectError(error, url);
      }
    },

    async download(url, path, signal) {
      const partial = `${path}.part`;
      try {
        await pipeline(await getStream(url, signal), createWriteStream(partial), { signal });
        await rename(partial, path);
      } catch (error) {
        await rm(partial, { force: true });
        throw toObjectError(error, url);
      }
    },

    async removeAll(prefix) {
      const objects = await list(prefix);
      const { bucket } = parseObjectUrl(prefix);
      for (let start = 0; start < objects.length; start += 1000) {
        const keys = objects.slice(start, start + 1000).map(({ url }) => ({ Key: parseObjectUrl(url).key }));
        try {
          await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: keys, Quiet: true } }));
        } catch (error) {
          throw toObjectError(error, prefix);
        }
      }
      return objects.length;
    },
  };
}
