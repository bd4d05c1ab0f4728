/** What Flink really accepted, from the logs of every JobManager that lived. */
import { wholeLog } from './servers.js';
import type { World } from './world.js';

/** Said after a twin was refused, before the job runs. */
const ACCEPTED = /Submitting job '.*' \(([0-9a-f]{32})\)/g;

/** How often each job id was accepted. */
export async function acceptedJobs({ servers }: World): Promise<Map<string, number>> {
  const accepted = new Map<string, number>();
  for (const [, id = ''] of (await wholeLog(servers.home, 'flink-jobmanager')).matchAll(ACCEPTED)) {
    accepted.set(id, (accepted.get(id) ?? 0) + 1);
  }
  return accepted;
}
