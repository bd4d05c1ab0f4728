/** Asks one instance of this host what it is doing: its process by identity, its status page by the port it announced. */
import { createHttpClient } from '../../infra/http/client.js';
import { isSluiceError } from '../../infra/errors.js';
import { commandLine, findByCommandLine, isSameProcess, identityOf } from './processes.js';
import type { ProcessIdentity } from './processes.js';
import { statusFileSchema, statusPageSchema } from './schemas.js';
import type { InstanceRecord, StatusPage } from './schemas.js';
import { readJsonFile } from './state-files.js';

const PAGE_TIMEOUT_MS = 3_000;

export const keyArgument = (key: string): string => `-Dsluice.key=${key}`;
export const instanceArgument = (index: number): string => `-Dsluice.instance=${index}`;

export interface PageAnswer {
  url: string;
  page: StatusPage;
}

/** Undefined while there is no page, it does not answer, or another submission answers on its port. */
export async function readStatusPage(record: InstanceRecord, signal?: AbortSignal): Promise<PageAnswer | undefined> {
  const file = await readJsonFile(record.statusFile, statusFileSchema);
  if (file === undefined || file.key !== record.key) return undefined;
  const url = `http://127.0.0.1:${file.port}/`;
  const http = createHttpClient({
    baseUrl: url,
    name: `status page of ${record.instanceId}`,
    timeoutMs: PAGE_TIMEOUT_MS,
  });
  try {
    const page = await http.json('/', statusPageSchema, { signal });
    return page.key === record.key && page.pid === record.process?.pid ? { url, page } : undefined;
  } catch (error) {
    if (isSluiceError(error)) return undefined;
    throw error;
  } finally {
    http.close();
  }
}

/** The record's process, if it is still that very process: same pid, same start, and it says our key. */
export async function livingProcess(record: InstanceRecord): Promise<ProcessIdentity | undefined> {
  const known = record.process ?? (await processOfIntent(record));
  if (known === undefined || !(await isSameProcess(known))) return undefined;
  const command = await commandLine(known.pid);
  if (command !== undefined) return command.includes(keyArgument(record.key)) ? known : undefined;
  return (await readStatusPage({ ...record, process: known })) === undefined ? undefined : known;
}

/** A starter that died between the spawn and its note leaves a process that only its command line tells apart. */
async function processOfIntent(record: InstanceRecord): Promise<ProcessIdentity | undefined> {
  if (record.exit !== undefined || (await isSameProcess(record.starter))) return undefined;
  const [pid] = await findByCommandLine([keyArgument(record.key), instanceArgument(record.index)]);
  return pid === undefined ? undefined : identityOf(pid);
}
