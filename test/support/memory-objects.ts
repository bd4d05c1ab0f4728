/** An object store in memory with a switch for being away. */
import { readFile } from 'node:fs/promises';
import type { ObjectStore } from '../../engines/object-store.js';
import { SluiceError } from '../../infra/errors.js';

export interface MemoryObjects extends ObjectStore {
  readonly objects: Map<string, string>;
  away: boolean;
}

export function createMemoryObjects(): MemoryObjects {
  const objects = new Map<string, string>();
  const store: MemoryObjects = {
    objects,
    away: false,
    exists: async (url) => {
      answer();
      return objects.has(url);
    },
    getText: async (url) => {
      answer();
      return objects.get(url);
    },
    putFile: async (url, path) => {
      answer();
      objects.set(url, await readFile(path, 'latin1'));
    },
    putText: async (url, text, options) => {
      answer();
      if (options?.ifNoneMatch !== undefined && objects.has(url)) return false;
      objects.set(url, text);
      return true;
    },
  };
  const answer = () => {
    if (store.away) throw new SluiceError('STORE_UNREACHABLE', 'the memory store is away');
  };
  return store;
}
