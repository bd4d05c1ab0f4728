/** Spark standalone's two doors, call by call: the submission server (REST) and the master's JSON page; it decides nothing. */
import { SluiceError } from '../../infra/errors.js';
import { createHttpClient } from '../../infra/http/client.js';
import * as schemas from './schemas.js';

export interface SparkClientConfig {
  cluster: string;
  /** The submission server, e.g. `http://127.0.0.1:6066`. */
  restUrl: string;
  /** The master's web page. */
  uiUrl: string;
  timeoutMs: number;
  submitTimeoutMs: number;
}

export interface CreateRequest {
  appResource: string;
  mainClass: string;
  appArgs: string[];
  sparkProperties: Record<string, string>;
}

export interface SparkApp {
  id: string;
  name: string;
  state: string;
  /** Cores the master has granted. */
  cores: number;
  active: boolean;
}

export interface SparkDriver {
  id: string;
  state: string;
  submittedAtMs: number;
  mainClass?: string;
  workerId?: string;
  active: boolean;
}

/** One answer of the master about everything it has. */
export interface MasterView {
  drivers: ReadonlyMap<string, SparkDriver>;
  apps: readonly SparkApp[];
  /** Web address by worker id. */
  workerUrls: ReadonlyMap<string, string>;
  free: { cores: number; allCores: number; memoryMb: number; allMemoryMb: number };
}

export type DriverAnswer = { state: string; workerId?: string; message?: string };
export type SparkClient = ReturnType<typeof createSparkClient>;

export function createSparkClient(config: SparkClientConfig) {
  const name = `Spark ${config.cluster}`;
  const rest = createHttpClient({ baseUrl: config.restUrl, name, timeoutMs: config.timeoutMs });
  const ui = createHttpClient({ baseUrl: config.uiUrl, name: `${name} master page`, timeoutMs: config.timeoutMs });

  const noAnswer = (why: string) =>
    new SluiceError('ENGINE_UNREACHABLE', `${name} gives no usable answer (${why})`, { details: { reason: why } });

  async function status(driverId: string, signal?: AbortSignal) {
    return rest.json(`/v1/submissions/status/${encodeURIComponent(driverId)}`, schemas.statusSchema, { signal });
  }

  return {
    uiUrl: ui.baseUrl,

    /** The driver id that the master chose. Throws ENGINE_UNREACHABLE when the outcome is not certain. */
    async create(request: CreateRequest, signal?: AbortSignal): Promise<string> {
      const answer = await rest.json('/v1/submissions/create', schemas.createSchema, {
        method: 'POST',
        body: {
          action: 'CreateSubmissionRequest',
          clientSparkVersion: '4',
          environmentVariables: { SPARK_ENV_LOADED: '1' },
          ...request,
        },
        signal,
        timeoutMs: config.submitTimeoutMs,
      });
      if (answer.success && answer.submissionId) return answer.submissionId;
      throw noAnswer(answer.message ?? 'a submission without an id');
    },

    /** NOT_FOUND is an answer; anything that names no state is none. */
    async driver(driverId: string, signal?: AbortSignal): Promise<DriverAnswer> {
      const answer = await status(driverId, signal);
      if (answer.success && answer.driverState) {
        return {
          state: answer.driverState,
          ...(answer.workerId === undefined ? {} : { workerId: answer.workerId }),
          ...(answer.message === undefined ? {} : { message: answer.message }),
        };
      }
      if (answer.success || answer.message) throw noAnswer(answer.message ?? 'a status without a driver state');
      return { state: 'NOT_FOUND' };
    },

    /** Asks for the end of a driver; false = the master says it has no such running driver. */
    async kill(driverId: string, signal?: AbortSignal): Promise<boolean> {
      const path = `/v1/submissions/kill/${encodeURIComponent(driverId)}`;
      return (await rest.json(path, schemas.killSchema, { method: 'POST', signal })).success;
    },

    /**
     * Ends an application at the master, whose drivers' kill reaches only drivers that it still counts as running.
     * A master with `spark.ui.killEnabled=false` does nothing: the caller looks whether it is gone.
     */
    async killApp(appId: string, signal?: AbortSignal): Promise<void> {
      await ui.send('/app/kill/', { method: 'POST', query: { id: appId, terminate: true }, signal });
    },

    async master(signal?: AbortSignal): Promise<MasterView> {
      const answer = await ui.json('/json/', schemas.masterSchema, { signal });
      if (answer.status !== 'ALIVE') throw noAnswer(`the master is ${answer.status}`);
      const drivers = new Map<string, SparkDriver>();
      for (const [list, active] of [
        [answer.completeddrivers, false],
        [answer.activedrivers, true],
      ] as const) {
        for (const driver of list) {
          drivers.set(driver.id, {
            id: driver.id,
            state: driver.state,
            submittedAtMs: driver.starttime,
            active,
            ...(driver.mainclass === undefined ? {} : { mainClass: driver.mainclass }),
            ...(driver.worker === undefined || driver.worker === 'None' ? {} : { workerId: driver.worker }),
          });
        }
      }
      const alive = answer.workers.filter((worker) => worker.state === 'ALIVE');
      const sum = (of: (worker: (typeof alive)[number]) => number) => alive.reduce((total, one) => total + of(one), 0);
      return {
        drivers,
        apps: [
          ...answer.activeapps.map((app) => ({ ...app, active: true })),
          ...answer.completedapps.map((app) => ({ ...app, active: false })),
        ],
        workerUrls: new Map(answer.workers.map((worker) => [worker.id, worker.webuiaddress])),
        free: {
          cores: sum((worker) => worker.cores - worker.coresused),
          allCores: sum((worker) => worker.cores),
          memoryMb: sum((worker) => worker.memory - worker.memoryused),
          allMemoryMb: sum((worker) => worker.memory),
        },
      };
    },

    /** Tail of a driver's error output from its worker's page. Throws ENGINE_UNREACHABLE when the worker does not answer. */
    async driverLog(workerUrl: string, driverId: string, maxBytes: number, signal?: AbortSignal) {
      const worker = createHttpClient({ baseUrl: workerUrl, name: `${name} worker`, timeoutMs: config.timeoutMs });
      try {
        const query = { driverId, logType: 'stderr', byteLength: maxBytes };
        return withoutHeading((await worker.send('/log', { query, signal })).text);
      } finally {
        worker.close();
      }
    },

    version: async (signal?: AbortSignal) => (await status('driver-none', signal)).serverSparkVersion ?? 'unknown',
  };
}

/** The worker puts one line about byte ranges before the log itself. */
const withoutHeading = (text: string): string => text.replace(/^==== Bytes .* ====\n/, '');
