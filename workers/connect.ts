/** The Temporal client of a process. */
import { Client, Connection } from '@temporalio/client';
import type { Config } from '../infra/config.js';
import { SluiceError } from '../infra/errors.js';

export interface Temporal {
  client: Client;
  close: () => Promise<void>;
}

export async function connectTemporal(
  config: Pick<Config, 'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE'>,
): Promise<Temporal> {
  const connection = await Connection.connect({ address: config.TEMPORAL_ADDRESS, connectTimeout: '10s' }).catch(
    (error: unknown) => {
      throw new SluiceError(
        'STORE_UNREACHABLE',
        `Temporal does not answer at ${config.TEMPORAL_ADDRESS}: is the stack up? (\`npx sluice up\`)`,
        { cause: error },
      );
    },
  );
  return {
    client: new Client({ connection, namespace: config.TEMPORAL_NAMESPACE }),
    close: () => connection.close(),
  };
}
