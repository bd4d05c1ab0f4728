/** What we read of the answers of Spark's submission server and of the master's JSON page. */
import { z } from 'zod';

export const createSchema = z.object({
  success: z.boolean(),
  submissionId: z.string().optional(),
  message: z.string().optional(),
});

/** `success: false` without a message is the master's way to say that it does not know the driver. */
export const statusSchema = z.object({
  success: z.boolean(),
  driverState: z.string().optional(),
  workerId: z.string().optional(),
  message: z.string().optional(),
  serverSparkVersion: z.string().optional(),
});

export const killSchema = z.object({ success: z.boolean(), message: z.string().optional() });

const workerSchema = z.object({
  id: z.string(),
  webuiaddress: z.string(),
  cores: z.number(),
  coresused: z.number(),
  memory: z.number(),
  memoryused: z.number(),
  state: z.string(),
});

const appSchema = z.object({
  id: z.string(),
  name: z.string(),
  starttime: z.number(),
  cores: z.number(),
  state: z.string(),
});

const driverSchema = z.object({
  id: z.string(),
  /** Milliseconds since epoch, as text. */
  starttime: z.coerce.number(),
  state: z.string(),
  worker: z.string().optional(),
  mainclass: z.string().optional(),
});

export const masterSchema = z.object({
  status: z.string(),
  workers: z.array(workerSchema),
  activeapps: z.array(appSchema),
  completedapps: z.array(appSchema),
  activedrivers: z.array(driverSchema),
  completeddrivers: z.array(driverSchema),
});
