/** Delivers the lineage outbox: one leader among all workers, in order per run, at least once, never losing an event silently. */
import { TransportError, type OpenLineageClient } from 'openlineage-client';
import type pg from 'pg';
import { redact } from '../activities/lineage/redact.js';
import { messageOf } from '../infra/errors.js';
import {
  endRelayLead,
  lineageStatus,
  markDelivered,
  markFailed,
  pendingLineage,
  tryLeadRelay,
  type FailedAttempt,
  type LineageStatus,
  type PendingEvent,
} from '../infra/postgres/outbox.js';

/** The part of a pino logger that the relay uses. */
export interface RelayLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface RelayOptions {
  pool: pg.Pool;
  /** The relay keeps its own queue, so a transport with few retries of its own is best. */
  client: Pick<OpenLineageClient, 'emit' | 'flush'>;
  log: RelayLog;
  /** Between looks at an empty outbox, and between tries to become leader; default 1,000. */
  intervalMs?: number;
  /** Events per wave: how many can be delivered twice when the process dies; default 100. */
  batchSize?: number;
  /** Runs delivered side by side; default 8. */
  concurrency?: number;
  /** First pause of a run after a failure, doubled for each further one; default 1,000. */
  backoffMs?: number;
  /** Default 60,000. */
  maxBackoffMs?: number;
  /** Refusals of one event before it becomes a dead letter; default 5. */
  maxRejections?: number;
  /** An event that could not be delivered for so long becomes a dead letter; default 7 days. */
  maxAgeMs?: number;
}

export interface Relay {
  /** Ends after the event in flight and gives up the lead. */
  stop(): Promise<void>;
  /** Waits until nothing is pending, at most `timeoutMs` (default 30,000), and says how things stand. */
  drain(timeoutMs?: number): Promise<LineageStatus>;
}

const HOUR_MS = 3_600_000;
/** After so many failures in a row, without a success between, the receiver is taken to be away and all runs wait. */
const BREAK_AFTER = 3;

export function startRelay(options: RelayOptions): Relay {
  const relay = new OutboxRelay(options);
  const done = relay.run();
  return {
    async stop() {
      relay.stop();
      await done;
    },
    drain: (timeoutMs = 30_000) => relay.drain(timeoutMs),
  };
}

class OutboxRelay {
  readonly #options: Required<RelayOptions>;
  #stopping = false;
  #wake: () => void = () => undefined;
  /** Failures in a row over all runs; refusals of single events do not count, for then the receiver is there. */
  #failures = 0;
  /** What the receiver asked for with its last failure. */
  #retryAfterMs = 0;

  constructor(options: RelayOptions) {
    this.#options = {
      ...options,
      intervalMs: options.intervalMs ?? 1_000,
      batchSize: options.batchSize ?? 100,
      concurrency: options.concurrency ?? 8,
      backoffMs: options.backoffMs ?? 1_000,
      maxBackoffMs: options.maxBackoffMs ?? 60_000,
      maxRejections: options.maxRejections ?? 5,
      maxAgeMs: options.maxAgeMs ?? 7 * 24 * HOUR_MS,
    };
  }

  stop(): void {
    this.#stopping = true;
    this.#wake();
  }

  async run(): Promise<void> {
    while (!this.#stopping) {
      try {
        await this.#lead();
      } catch (error) {
        this.#options.log.warn({ reason: messageOf(error) }, 'lineage relay lost its store and will try again');
      }
      if (!this.#stopping) await this.#pause(this.#options.intervalMs);
    }
  }

  async drain(timeoutMs: number): Promise<LineageStatus> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const status = await lineageStatus(this.#options.pool);
      if (status.pending === 0 || Date.now() >= deadline || this.#stopping) return status;
      if (this.#failures === 0) this.#wake();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Leads until told to stop or until the connection breaks, which is also when the lock is lost. */
  async #lead(): Promise<void> {
    const connection = await this.#options.pool.connect();
    let broken: Error | undefined;
    const onError = (error: Error) => {
      broken = error;
      this.#wake();
    };
    connection.on('error', onError);
    try {
      if (!(await tryLeadRelay(connection))) return;
      while (!this.#stopping) {
        const busy = await this.#wave(connection);
        if (!busy && !this.#stopping) await this.#pause(this.#idleMs());
      }
      await endRelayLead(connection);
    } catch (error) {
      broken ??= asError(error);
      throw error;
    } finally {
      connection.off('error', onError);
      // A broken connection is closed, not reused: then the server forgets the lock too.
      connection.release(broken);
    }
  }

  /** Delivers one batch, and marks it only once the transport has it safe; true when there may be more to do at once. */
  async #wave(connection: pg.PoolClient): Promise<boolean> {
    const pending = await pendingLineage(connection, this.#options.batchSize);
    if (pending.length === 0) return false;
    const probing = this.#failures >= BREAK_AFTER;
    const breakAt = probing ? this.#failures + 1 : BREAK_AFTER;
    const delivered: string[] = [];
    const failed: Failed[] = [];
    const runs = byRun(pending).values();
    const deliverRuns = async () => {
      for (const run of runs) {
        if (this.#stopping || this.#failures >= breakAt) return;
        await this.#deliverRun(run, delivered, failed);
      }
    };
    await Promise.all(Array.from({ length: probing ? 1 : this.#options.concurrency }, deliverRuns));
    for (const { id, attempt } of failed) await markFailed(connection, id, attempt);
    if (!(await this.#flushed())) return false;
    await markDelivered(connection, delivered);
    return delivered.length > 0;
  }

  /** One event after the other; the first failure leaves the rest of the run for later, unless the event is given up. */
  async #deliverRun(run: readonly PendingEvent[], delivered: string[], failed: Failed[]): Promise<void> {
    for (const pending of run) {
      if (this.#stopping) return;
      try {
        await this.#options.client.emit(pending.event);
      } catch (error) {
        const attempt = this.#assess(pending, error);
        failed.push({ id: pending.id, attempt });
        if (attempt.dead) continue;
        return;
      }
      delivered.push(pending.id);
      this.#succeeded();
    }
  }

  #assess(pending: PendingEvent, error: unknown): FailedAttempt {
    const { backoffMs, maxBackoffMs, maxRejections, maxAgeMs, log } = this.#options;
    const rejected = error instanceof TransportError && !error.retryable;
    const reason = redact(messageOf(error), 1_000);
    const dead = (rejected && pending.rejections + 1 >= maxRejections) || pending.ageMs > maxAgeMs;
    const fields = { runId: pending.runId, eventType: pending.event.eventType, job: pending.event.job.name, reason };
    if (dead) log.error(fields, 'lineage event given up; it stays in control.lineage_outbox as a dead letter');
    const wishedMs = (error instanceof TransportError ? error.retryAfterMs : undefined) ?? 0;
    if (!rejected) {
      this.#failures += 1;
      this.#retryAfterMs = Math.min(wishedMs, HOUR_MS);
      if (this.#failures === 1) log.warn(fields, 'lineage receiver does not take events; they wait in the outbox');
    }
    const pauseMs = backoff(pending.attempts, backoffMs, maxBackoffMs);
    return { error: reason, rejected, dead, retryInMs: Math.max(pauseMs, Math.min(wishedMs, HOUR_MS)) };
  }

  #succeeded(): void {
    if (this.#failures > 0) this.#options.log.info({ failures: this.#failures }, 'lineage receiver takes events again');
    this.#failures = 0;
    this.#retryAfterMs = 0;
  }

  async #flushed(): Promise<boolean> {
    try {
      await this.#options.client.flush();
      return true;
    } catch (error) {
      this.#failures += 1;
      const reason = redact(messageOf(error), 1_000);
      this.#options.log.warn({ reason }, 'lineage events are not safe with their receiver yet and will be sent again');
      return false;
    }
  }

  #idleMs(): number {
    const { intervalMs, backoffMs, maxBackoffMs } = this.#options;
    if (this.#failures < BREAK_AFTER) return intervalMs;
    return Math.max(backoff(this.#failures - BREAK_AFTER, backoffMs, maxBackoffMs), this.#retryAfterMs);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

interface Failed {
  id: string;
  attempt: FailedAttempt;
}

/** Runs in the order of their oldest event, events of a run in theirs. */
function byRun(pending: readonly PendingEvent[]): PendingEvent[][] {
  const runs = new Map<string, PendingEvent[]>();
  for (const event of pending) {
    const run = runs.get(event.runId);
    if (run === undefined) runs.set(event.runId, [event]);
    else run.push(event);
  }
  return [...runs.values()];
}

/** Doubles from `firstMs` up to `maxMs`, less up to half of it at random, so that runs do not come back in step. */
function backoff(attempts: number, firstMs: number, maxMs: number): number {
  return Math.min(firstMs * 2 ** Math.min(attempts, 30), maxMs) * (0.5 + Math.random() / 2);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
