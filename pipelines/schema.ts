/** The declared form of a pipeline: everything a person may write in pipeline.yaml, and what it is read to. */
import { z } from 'zod';
import { checkSchema } from './checks.js';
import { columnsSchema, durationSchema, isDay, nameSchema, snakeSchema } from './values.js';

/** A duration with a default in the same spelling. */
const duration = (text: string) => durationSchema.default(() => durationSchema.parse(text)).describe(`default ${text}`);

const fileName = z.string().regex(/^[\w.-]+$/, 'want the name of a file in the same folder');
const mainClass = z.string().regex(/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$/, 'want a full class name');
const topicName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,249}$/, 'want a topic name: letters, digits, dot, hyphen, underscore');
const identifiers = z.array(snakeSchema).min(1);

const timezone = z
  .string()
  .refine((zone) => {
    try {
      new Intl.DateTimeFormat('en', { timeZone: zone });
      return true;
    } catch {
      return false;
    }
  }, 'not a time zone: want a name such as UTC or Europe/Berlin')
  .default('UTC');

const paramCommon = { description: z.string().optional() };
const day = z.string().refine(isDay, 'want a day that exists, such as 1998-03-14');

/** A run parameter; one with no default must be given. */
export const paramSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('int'),
    default: z.int().optional(),
    enum: z.array(z.int()).min(1).optional(),
    min: z.int().optional(),
    max: z.int().optional(),
    ...paramCommon,
  }),
  z.strictObject({
    type: z.literal('number'),
    default: z.number().optional(),
    enum: z.array(z.number()).min(1).optional(),
    min: z.number().optional(),
    max: z.number().optional(),
    ...paramCommon,
  }),
  z.strictObject({
    type: z.literal('string'),
    default: z.string().optional(),
    enum: z.array(z.string()).min(1).optional(),
    ...paramCommon,
  }),
  z.strictObject({ type: z.literal('boolean'), default: z.boolean().optional(), ...paramCommon }),
  z.strictObject({
    type: z.literal('date'),
    default: day.optional(),
    min: day.optional(),
    max: day.optional(),
    ...paramCommon,
  }),
]);

const sqlJob = z.strictObject({ sql: fileName.describe("SQL file beside this one, run by the engine's SQL runner") });
const jarJob = <E extends string>(engines: readonly [E, ...E[]]) =>
  z.strictObject({
    jar: z.enum(engines).describe('jobs module whose jar holds the class'),
    mainClass,
    sql: fileName.optional().describe('SQL file beside this one, handed to the class'),
  });

const args = z
  .record(snakeSchema, z.union([z.string(), z.number(), z.boolean()]))
  .default({})
  .describe('values for the job; text may hold {{partition.from}}, {{partition.to}} and {{params.x}}');

const memoryMb = z.int().min(128).max(1_048_576);

const retry = z
  .strictObject({
    attempts: z.int().min(1).max(20).default(3).describe('submissions in all, the first included'),
    backoff: duration('10s'),
    maxBackoff: duration('2m'),
    on: z
      .array(z.enum(['platform', 'resources', 'user']))
      .default(['platform', 'resources'])
      .describe('classes of failure after which it is submitted again; a lost job counts as platform'),
    memoryFactor: z
      .number()
      .min(1)
      .max(8)
      .default(1.5)
      .describe('multiplies the memory of the next submission after an out-of-memory failure; 1 = never'),
    memoryCap: z.number().min(1).max(64).default(4).describe('most memory a submission may get, in times the declared'),
  })
  .prefault({});

export const stageSchema = z.strictObject({
  engine: z.enum(['spark']),
  description: z.string().optional(),
  job: z.union([sqlJob, jarJob(['spark'])]),
  args,
  inputs: z
    .record(
      snakeSchema,
      z.strictObject({
        dataset: z
          .string()
          .regex(/^[a-z0-9-]+\/[a-z][a-z0-9_]*$/, 'want lake/<source> or <stage>/<output>')
          .describe('lake/<source>, or <stage>/<output> of another stage'),
      }),
    )
    .default({}),
  outputs: z.record(snakeSchema, z.strictObject({ schema: columnsSchema })),
  resources: z
    .strictObject({
      cores: z.int().min(1).max(1024).default(2),
      memoryMb: memoryMb.default(1024),
      driverMemoryMb: memoryMb.default(1024),
    })
    .prefault({}),
  retry,
  timeout: duration('1h'),
  startTimeout: duration('10m').describe('default 10m; how long it may wait for its first executor'),
  statusTimeout: duration('30m').describe('default 30m; how long the engine may give no usable answer about the job'),
  onCancel: z.enum(['kill', 'leave']).default('kill').describe('what happens to the job when its run is cancelled'),
  onOrphan: z
    .enum(['kill', 'leave'])
    .optional()
    .describe('what reconcile does with the job when its run is gone; default kill, or leave where onCancel is leave'),
  after: z.array(nameSchema).default([]).describe('stages that must be done first without being read'),
});

export const streamSchema = z.strictObject({
  engine: z.enum(['flink', 'kafka-streams']),
  description: z.string().optional(),
  job: z.union([sqlJob, jarJob(['flink', 'kafka-streams'])]),
  args,
  inputs: z.record(snakeSchema, z.strictObject({ topic: topicName })),
  outputs: z.record(snakeSchema, z.strictObject({ topic: topicName, schema: columnsSchema.optional() })),
  resources: z
    .strictObject({
      memoryMb: memoryMb.optional(),
      instances: z.int().min(1).max(64).optional().describe('kafka-streams only; default 1'),
      parallelism: z.int().min(1).max(1024).optional().describe('flink only; default 1'),
    })
    .prefault({}),
  restart: z
    .strictObject({
      attempts: z.int().min(0).max(100).default(5).describe('restarts within the window before it is given up'),
      window: duration('10m'),
      backoff: duration('5s'),
      maxBackoff: duration('1m'),
    })
    .prefault({}),
  upgrade: z
    .enum(['stateless', 'last-state', 'savepoint'])
    .default('last-state')
    .describe('where a new submission takes its state from'),
  startTimeout: duration('5m'),
  onCancel: z
    .enum(['kill', 'leave', 'savepoint-and-stop'])
    .default('kill')
    .describe(
      'what happens to the job when the stream is stopped or its supervisor is cancelled; a stop never leaves it running',
    ),
  onOrphan: z
    .enum(['kill', 'leave'])
    .default('leave')
    .describe('what reconcile does with the job when its supervisor is gone; leave raises an alert'),
});

const tableCommon = { description: z.string().optional(), key: identifiers, columns: columnsSchema };

export const curatedSchema = z.discriminatedUnion('mode', [
  z.strictObject({
    mode: z.literal('replace-partition'),
    from: z
      .string()
      .regex(/^[a-z0-9-]+(\/[a-z][a-z0-9_]*)?$/, 'want <stage> or <stage>/<output>')
      .describe('stage whose output of the same name fills the table, or <stage>/<output>'),
    partitionBy: z.strictObject({ column: snakeSchema, grain: z.enum(['day', 'month', 'quarter']) }),
    ...tableCommon,
  }),
  z.strictObject({
    mode: z.literal('upsert'),
    topic: topicName.describe('result topic of one of the streams'),
    replaceBy: identifiers
      .optional()
      .describe('one record holds all rows with these values; they are replaced together'),
    ...tableCommon,
  }),
]);

const CRON_FIELD = '[0-9A-Za-z*/,?#L-]+';

const schedule = z.strictObject({
  cron: z.string().regex(new RegExp(`^${CRON_FIELD}( ${CRON_FIELD}){4}$`), 'want five cron fields, such as 0 3 * * *'),
  overlap: z
    .enum(['skip', 'buffer_one', 'buffer_all', 'cancel_other', 'terminate_other', 'allow_all'])
    .default('allow_all'),
  catchupWindow: duration('24h'),
  jitter: duration('0s'),
  paused: z.boolean().default(false),
});

export const pipelineSchema = z.strictObject({
  name: nameSchema,
  owner: z.string().min(1),
  description: z.string().min(1),
  timezone,
  partition: z.strictObject({
    grain: z.enum(['day']),
    onEmpty: z.enum(['fail', 'warn', 'allow']).default('fail').describe('what a day without rows is'),
  }),
  schedule: schedule.optional(),
  params: z.record(snakeSchema, paramSchema).default({}),
  sources: z.array(snakeSchema).default([]).describe('sources that are read: lake/<source> and topic <source>.raw'),
  stages: z.record(nameSchema, stageSchema).default({}),
  streams: z.record(nameSchema, streamSchema).default({}),
  checks: z.record(snakeSchema, z.array(checkSchema)).default({}).describe('by curated table'),
  curated: z.record(snakeSchema, curatedSchema).default({}),
  freshness: z.record(snakeSchema, durationSchema).default({}).describe('by curated table: how old its data may be'),
  notify: z.array(z.unknown()).max(0, 'no channel can be notified yet: leave the list empty').default([]),
});

/** What a person writes. */
export type PipelineDeclaration = z.input<typeof pipelineSchema>;
/** The same with defaults filled in and durations read to milliseconds. */
export type ParsedPipeline = z.output<typeof pipelineSchema>;
export type ParsedStage = z.output<typeof stageSchema>;
export type ParsedStream = z.output<typeof streamSchema>;
export type ParsedTable = z.output<typeof curatedSchema>;
export type ParamSpec = z.output<typeof paramSchema>;
