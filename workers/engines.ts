/** Configures the engine adapters of a process from its settings. */
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { createEngines, type Engines } from '../engines/registry.js';
import type { EngineName } from '../engines/port.js';
import type { Config } from '../infra/config.js';
import { SluiceError } from '../infra/errors.js';
import type { Pool } from '../infra/postgres/pool.js';
import type { ObjectStore } from '../infra/s3/object-store.js';

const jarOf = (root: string, module: EngineName): string =>
  join(root, 'engines', module, 'jobs', 'target', `sluice-${module}-jobs.jar`);

function submitProperties(text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  const parsed = z.record(z.string(), z.string()).safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new SluiceError('CONFIG_INVALID', 'SPARK_SUBMIT_PROPERTIES must be a JSON object of texts');
}

/** undefined when it is no JSON; the parser's own message would quote the value. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function wireEngines(
  config: Config,
  root: string,
  pool: Pool,
  objects: ObjectStore,
  searchPath: string,
): Engines {
  const eventLog: Record<string, string> = config.SPARK_EVENT_LOG_DIR
    ? { 'spark.eventLog.enabled': 'true', 'spark.eventLog.dir': config.SPARK_EVENT_LOG_DIR }
    : {};
  return createEngines(
    {
      jars: {
        spark: jarOf(root, 'spark'),
        flink: jarOf(root, 'flink'),
        'kafka-streams': jarOf(root, 'kafka-streams'),
      },
      clusters: {
        flink: [{ cluster: config.SLUICE_FLINK_CLUSTER, restUrl: config.FLINK_REST_URL }],
        spark: [
          {
            cluster: config.SLUICE_SPARK_CLUSTER,
            restUrl: config.SPARK_MASTER_REST_URL,
            uiUrl: config.SPARK_MASTER_UI_URL,
            bucket: config.S3_BUCKET,
            properties: { ...eventLog, ...submitProperties(config.SPARK_SUBMIT_PROPERTIES) },
            ...(config.SPARK_HISTORY_URL === undefined ? {} : { historyUrl: config.SPARK_HISTORY_URL }),
          },
        ],
        'kafka-streams': [
          {
            cluster: config.SLUICE_HOST_NAME,
            stateRoot: resolve(config.SLUICE_STATE_DIR),
            java: config.SLUICE_JAVA,
            env: { LANG: 'C.UTF-8', TZ: 'UTC', PATH: searchPath },
          },
        ],
      },
    },
    {
      objects,
      ledger: {
        async keysOf(driverIds) {
          const { rows } = await pool.query<{ key: string; engine_job_id: string }>(
            `select key, engine_job_id from control.engine_job where engine = 'spark' and engine_job_id = any($1)`,
            [driverIds],
          );
          return new Map(rows.map((row) => [row.engine_job_id, row.key]));
        },
      },
    },
  );
}
