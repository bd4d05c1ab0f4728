/** Ends every Kafka Streams process that this host's records own; for taking a local stack down. */
import { stopInstance } from './launcher.js';
import { livingProcess } from './client.js';
import { allRecords } from './state-files.js';

/** Returns how many were running. Only processes whose pid, start time and key agree with a record are touched. */
export async function stopHostJobs(stateRoot: string, stopMs = 20_000): Promise<number> {
  const records = [...(await allRecords(stateRoot)).values()].flat();
  const ended = await Promise.all(
    records.map(async (record) => {
      if ((await livingProcess(record)) === undefined) return 0;
      await stopInstance({ stateRoot, stopMs }, record);
      return 1;
    }),
  );
  return ended.reduce<number>((sum, one) => sum + one, 0);
}
