/** What we read of Flink's REST answers; everything else in them is ignored. */
import { z } from 'zod';

export const overviewSchema = z.object({
  'flink-version': z.string(),
  'slots-total': z.number().optional(),
  'slots-available': z.number().optional(),
});

export const jarListSchema = z.object({
  files: z.array(z.object({ id: z.string(), name: z.string(), uploaded: z.number().optional() })),
});

export const jarUploadSchema = z.object({ filename: z.string(), status: z.string() });

export const jobSchema = z.object({
  jid: z.string(),
  name: z.string(),
  state: z.string(),
  'start-time': z.number(),
  'end-time': z.number(),
  vertices: z.array(z.object({ tasks: z.record(z.string(), z.number()) })),
});

export const jobListSchema = z.object({
  jobs: z.array(
    z.object({
      jid: z.string(),
      name: z.string(),
      state: z.string(),
      'start-time': z.number(),
      tasks: z.record(z.string(), z.number()),
    }),
  ),
});

const exceptionEntrySchema = z.object({
  exceptionName: z.string(),
  stacktrace: z.string(),
  timestamp: z.number(),
  taskName: z.string().nullish(),
});

export const exceptionsSchema = z.object({
  exceptionHistory: z.object({
    entries: z.array(exceptionEntrySchema),
  }),
});

const snapshotSchema = z.object({ id: z.number(), external_path: z.string().nullish() });

export const checkpointsSchema = z.object({
  counts: z.object({ completed: z.number(), failed: z.number(), in_progress: z.number() }),
  latest: z.object({
    completed: snapshotSchema.nullish(),
    savepoint: snapshotSchema.nullish(),
  }),
});

export const savepointSchema = z.object({
  status: z.object({ id: z.string() }),
  operation: z
    .object({
      location: z.string().nullish(),
      'failure-cause': z.object({ class: z.string(), 'stack-trace': z.string().nullish() }).nullish(),
    })
    .nullish(),
});

export const metricsSchema = z.array(z.object({ id: z.string(), value: z.string() }));
