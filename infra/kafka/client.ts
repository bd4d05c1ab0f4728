/** Makes the Kafka client of a process from its settings; its log lines go to the product's logger. */
import kafkajs, { type Kafka, type KafkaConfig, type LogEntry, type RetryOptions } from 'kafkajs';
import { SluiceError } from '../errors.js';

/** The part of a pino logger that is used here. */
export interface KafkaLogger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface KafkaSettings {
  /** `host:port` of some brokers. */
  brokers: readonly string[];
  clientId: string;
  logger?: KafkaLogger;
  retry?: RetryOptions;
  ssl?: KafkaConfig['ssl'];
  sasl?: KafkaConfig['sasl'];
}

const { Kafka: KafkaClient, logLevel } = kafkajs;

/**
 * Lines the client calls errors although it tries again by itself: the next transaction of a producer was begun while
 * the markers of its last one were still being written, or a coordinator or group is just being set up.
 */
const ROUTINE =
  /concurrent|already ongoing|group is rebalancing|coordinator is (loading|not available)|not the (correct )?coordinator|restarting the consumer/i;

/** Translates the client's log entries; without a logger everything is dropped. */
export function kafkaLogCreator(logger: KafkaLogger | undefined): () => (entry: LogEntry) => void {
  return () => (entry) => {
    if (!logger) return;
    const line = `kafka: ${entry.log.message}`;
    const facts = {
      ...entry.log,
      message: undefined,
      timestamp: undefined,
      logger: undefined,
      namespace: entry.namespace,
    };
    const routine = ROUTINE.test(`${entry.log.message} ${String(entry.log['error'] ?? '')}`);
    if (entry.level === logLevel.ERROR && !routine) logger.error(facts, line);
    else if (entry.level === logLevel.WARN) logger.warn(facts, line);
    else logger.debug(facts, line);
  };
}

export function createKafka(settings: KafkaSettings): Kafka {
  if (settings.brokers.length === 0) throw new SluiceError('CONFIG_INVALID', 'KAFKA_BROKERS names no broker');
  return new KafkaClient({
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    retry: { initialRetryTime: 100, retries: 8, maxRetryTime: 5_000, ...settings.retry },
    logLevel: logLevel.INFO,
    logCreator: kafkaLogCreator(settings.logger),
    ...(settings.ssl === undefined ? {} : { ssl: settings.ssl }),
    ...(settings.sasl === undefined ? {} : { sasl: settings.sasl }),
  });
}

/** Wraps an error of the client in our table; whether a retry helps is the client's own verdict. */
export function toKafkaError(error: unknown, what: string): SluiceError {
  if (error instanceof SluiceError) return error;
  const { name, message, cause } = error as { name?: string; message?: string; cause?: unknown };
  // "Out of retries" is marked as not retriable, whatever was tried; what was tried tells.
  const decisive = (name === 'KafkaJSNumberOfRetriesExceeded' && cause !== undefined ? cause : error) as {
    retriable?: boolean;
  };
  const code = decisive.retriable === false ? 'STORE_REJECTED' : 'STORE_UNREACHABLE';
  return new SluiceError(code, `${what}: ${message ?? String(error)}`, { cause: error });
}
