/** What we read of an application's status page and of the files that its host keeps about it. */
import { z } from 'zod';

export const statusPageSchema = z.object({
  key: z.string(),
  pid: z.number(),
  state: z.string(),
  /** Null while it is not known; unknown is not zero. */
  lag: z.number().nullable(),
  uptimeMs: z.number(),
  records: z.number().optional(),
  error: z
    .object({
      class: z.string(),
      message: z.string().nullish(),
      topic: z.string().nullish(),
      partition: z.number().nullish(),
      offset: z.number().nullish(),
    })
    .nullish(),
});
export type StatusPage = z.infer<typeof statusPageSchema>;

/** Written by the application itself once its page is up. */
export const statusFileSchema = z.object({ pid: z.number(), port: z.number(), key: z.string() });

const processSchema = z.object({ pid: z.number(), startTime: z.string() });

/** One instance of one submission on this host: the intent before the spawn, the process after it. */
export const recordSchema = z.object({
  key: z.string(),
  index: z.number(),
  applicationId: z.string(),
  instanceId: z.string(),
  name: z.string(),
  /** Missing in records that were written before there were tags. */
  tag: z.string().optional(),
  intentAt: z.string(),
  /** Who starts it; an intent whose starter is gone and that left no process was never carried out. */
  starter: processSchema,
  logFile: z.string(),
  statusFile: z.string(),
  process: processSchema.optional(),
  /** We asked it to end, so its end is no failure. */
  stopRequestedAt: z.string().optional(),
  exit: z.object({ code: z.number().nullable(), signal: z.string().nullable() }).optional(),
});
export type InstanceRecord = z.infer<typeof recordSchema>;

export const lockSchema = z.object({ key: z.string(), index: z.number(), starter: processSchema });
export type LockHolder = z.infer<typeof lockSchema>;
