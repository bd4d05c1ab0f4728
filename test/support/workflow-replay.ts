/** Replays recorded histories against the present workflow code, with the bundle that workers load. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import proto from '@temporalio/proto';
import type { History as RecordedEvents } from '@temporalio/common/lib/proto-utils.js';
import { Worker, type ReplayResult } from '@temporalio/worker';
import { testBundlePath } from './workflow-bench.js';

const { History } = proto.temporal.api.history.v1;

export const HISTORIES = fileURLToPath(new URL('../replay/histories/', import.meta.url));

export interface RecordedHistory {
  /** File name without its ending. */
  name: string;
  workflowId: string;
  history: unknown;
}

/** Stack traces name folders of the recording machine and play no part in a replay. */
const withoutTraces = (key: string, value: unknown): unknown => (key === 'stackTrace' ? undefined : value);

/** One line per event, so that a new recording shows what changed. */
export function historyText(workflowId: string, history: RecordedEvents): string {
  const { events } = History.toObject(History.fromObject(history), { longs: String, bytes: String, enums: String }) as {
    events: unknown[];
  };
  const lines = events.map((event) => JSON.stringify(event, withoutTraces));
  return `{"workflowId":${JSON.stringify(workflowId)},"history":{"events":[\n${lines.join(',\n')}\n]}}\n`;
}

export async function readHistories(): Promise<RecordedHistory[]> {
  const files = (await readdir(HISTORIES)).filter((file) => file.endsWith('.json')).sort();
  return Promise.all(
    files.map(async (file) => {
      const recorded = JSON.parse(await readFile(join(HISTORIES, file), 'utf8')) as Omit<RecordedHistory, 'name'>;
      return { ...recorded, name: file.replace(/\.json$/, '') };
    }),
  );
}

/** One result per history, in order; a history that does not fit has an error. */
export async function replay(histories: readonly RecordedHistory[]): Promise<ReplayResult[]> {
  const results: ReplayResult[] = [];
  const recorded = histories.map(({ workflowId, history }) => ({
    workflowId,
    history: History.fromObject(history as Record<string, unknown>),
  }));
  for await (const result of Worker.runReplayHistories(
    { workflowBundle: { codePath: await testBundlePath() }, replayName: 'recorded' },
    recorded,
  )) {
    results.push(result);
  }
  return results;
}
