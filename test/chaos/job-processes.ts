/** The JVMs of jobs as the operating system shows them: by the submission key on their command line. */
import { findByCommandLine, commandLine } from '../../engines/kafka-streams/processes.js';

export interface JobProcess {
  pid: number;
  key: string;
}

/** Kafka Streams applications whose state lies in this home. */
export const streamProcesses = (home: string): Promise<JobProcess[]> => byKey('-Dsluice.key=', home);

/** Spark drivers that a worker of this home has launched, whatever the master knows of them. */
export const driverProcesses = (home: string): Promise<JobProcess[]> => byKey('-Dspark.sluice.key=', home);

async function byKey(property: string, home: string): Promise<JobProcess[]> {
  const pids = await findByCommandLine([property, home]);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const command = (await commandLine(pid)) ?? '';
      const at = command.indexOf(property);
      return at < 0 ? [] : [{ pid, key: command.slice(at + property.length, at + property.length + 32) }];
    }),
  );
  return found.flat();
}
