/** The little that adapters need of an object store; URLs are `s3://bucket/key`. A store that does not answer throws STORE_UNREACHABLE. */
export interface ObjectStore {
  exists(url: string): Promise<boolean>;
  /** Uploads a local file; replaces what is there. */
  putFile(url: string, path: string): Promise<void>;
  /** Undefined when there is no such object. */
  getText(url: string): Promise<string | undefined>;
  /** With `ifNoneMatch` a conditional put: false when the object exists already, and then nothing is written. */
  putText(url: string, text: string, options?: { ifNoneMatch?: '*' }): Promise<boolean>;
}
