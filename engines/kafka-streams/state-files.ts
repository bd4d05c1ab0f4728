/** The files a host keeps about its instances; each is written beside itself and renamed, so that a reader never finds half of one. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import { recordSchema } from './schemas.js';
import type { InstanceRecord } from './schemas.js';

export const recordsFolder = (stateRoot: string): string => join(stateRoot, 'streams');

export const recordFile = (stateRoot: string, key: string, index: number): string =>
  join(recordsFolder(stateRoot), `${key}-${index}.json`);

/** Undefined when there is no such file or it is not of the form. */
export async function readJsonFile<S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S> | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

export async function writeRecord(stateRoot: string, record: InstanceRecord): Promise<void> {
  const draft = await writeDraft(recordFile(stateRoot, record.key, record.index), record);
  await rename(draft.path, draft.target);
}

/** Creates a file with its content in one step; false when it exists already. */
export async function createOnce(target: string, content: unknown): Promise<boolean> {
  const draft = await writeDraft(target, content);
  try {
    await link(draft.path, target);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft.path, { force: true });
  }
}

/** All instances of a submission on this host, by index. */
export async function recordsOf(stateRoot: string, key: string): Promise<InstanceRecord[]> {
  return (await allRecords(stateRoot)).get(key) ?? [];
}

/** Everything this host has a record of, by submission key. */
export async function allRecords(stateRoot: string): Promise<Map<string, InstanceRecord[]>> {
  const folder = recordsFolder(stateRoot);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const found = new Map<string, InstanceRecord[]>();
  for (const name of names.filter((file) => /^[0-9a-f]+-\d+\.json$/.test(file))) {
    const record = await readJsonFile(join(folder, name), recordSchema);
    if (record === undefined) continue;
    found.set(
      record.key,
      [...(found.get(record.key) ?? []), record].sort((a, b) => a.index - b.index),
    );
  }
  return found;
}

async function writeDraft(target: string, content: unknown): Promise<{ path: string; target: string }> {
  const path = `${target}.${randomUUID()}.tmp`;
  await mkdir(dirname(target), { recursive: true });
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(content, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  return { path, target };
}
