/** Flink's REST interface, call by call; it knows paths and forms, and decides nothing. */
import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import type { HttpAnswer, HttpClient } from '../../infra/http/client.js';
import * as schemas from './schemas.js';

export interface RunRequest {
  jobId: string;
  entryClass: string;
  programArgsList: string[];
  parallelism?: number;
  savepointPath?: string;
  allowNonRestoredState?: boolean;
}

export type FlinkJob = z.infer<typeof schemas.jobSchema>;
export type FlinkJobListEntry = z.infer<typeof schemas.jobListSchema>['jobs'][number];
export type FlinkSavepoint = z.infer<typeof schemas.savepointSchema>;
export type FlinkCheckpoints = z.infer<typeof schemas.checkpointsSchema>;

export type FlinkClient = ReturnType<typeof createFlinkClient>;

export function createFlinkClient(http: HttpClient, limits: { submitTimeoutMs: number }) {
  /** Undefined when Flink answers that it does not know the job. */
  async function known<S extends z.ZodType>(path: string, schema: S, signal?: AbortSignal) {
    const answer = await http.send(path, { signal, accept: [404] });
    return answer.status === 404 ? undefined : http.parse(answer, schema, path);
  }

  return {
    overview: (signal?: AbortSignal) => http.json('/overview', schemas.overviewSchema, { signal }),

    jobs: async (signal?: AbortSignal) => (await http.json('/jobs/overview', schemas.jobListSchema, { signal })).jobs,

    job: (id: string, signal?: AbortSignal) => known(`/jobs/${id}`, schemas.jobSchema, signal),

    exceptions: (id: string, signal?: AbortSignal) =>
      known(`/jobs/${id}/exceptions?maxExceptions=20`, schemas.exceptionsSchema, signal),

    checkpoints: (id: string, signal?: AbortSignal) =>
      known(`/jobs/${id}/checkpoints`, schemas.checkpointsSchema, signal),

    /** How often Flink restarted the job by itself; undefined when it keeps no such figure (any more). */
    async restarts(id: string, signal?: AbortSignal): Promise<number | undefined> {
      const metrics = await known(`/jobs/${id}/metrics?get=numRestarts`, schemas.metricsSchema, signal);
      const value = Number(metrics?.find((metric) => metric.id === 'numRestarts')?.value);
      return Number.isFinite(value) ? value : undefined;
    },

    jars: async (signal?: AbortSignal) => (await http.json('/jars', schemas.jarListSchema, { signal })).files,

    /** Uploads a jar under a name and returns the id to run it by. */
    async uploadJar(path: string, name: string, signal?: AbortSignal): Promise<string> {
      const form = new FormData();
      form.append('jarfile', new Blob([await readFile(path)], { type: 'application/java-archive' }), name);
      const answer = await http.json('/jars/upload', schemas.jarUploadSchema, {
        method: 'POST',
        body: form,
        signal,
        timeoutMs: limits.submitTimeoutMs,
      });
      return answer.filename.slice(answer.filename.lastIndexOf('/') + 1);
    },

    /** Errors that Flink itself answers (500 among them: class or jar not found) are for the caller, who looks the job up first. */
    run: (jarId: string, request: RunRequest, signal?: AbortSignal): Promise<HttpAnswer> =>
      http.send(`/jars/${encodeURIComponent(jarId)}/run`, {
        method: 'POST',
        body: request,
        signal,
        timeoutMs: limits.submitTimeoutMs,
        accept: [400, 404, 409, 500],
      }),

    /** Asks for a savepoint after which the job ends; a repeat with the same trigger id asks for the same one. */
    stop: (id: string, triggerId: string, signal?: AbortSignal): Promise<HttpAnswer> =>
      http.send(`/jobs/${id}/stop`, {
        method: 'POST',
        body: { drain: false, triggerId },
        signal,
        accept: [400, 404, 409, 500],
      }),

    /** Undefined when Flink does not know the trigger (any more). */
    savepoint: (id: string, triggerId: string, signal?: AbortSignal) =>
      known(`/jobs/${id}/savepoints/${triggerId}`, schemas.savepointSchema, signal),

    /** True = accepted; false = Flink does not know the job or it has ended already. */
    async cancel(id: string, signal?: AbortSignal): Promise<boolean> {
      const answer = await http.send(`/jobs/${id}?mode=cancel`, { method: 'PATCH', signal, accept: [404, 409] });
      return answer.status < 300;
    },
  };
}
