/** What a transport is, and the one error that all of them throw. */
import type { OpenLineageEvent } from './events.js';

export interface Transport {
  /** Resolves when the receiver has the event. Calls may overlap; their order is kept only if each is awaited. */
  emit(event: OpenLineageEvent): Promise<void>;
  /** Resolves when everything emitted so far is as durable as the transport can make it. */
  flush(): Promise<void>;
  /** Flushes and lets go of sockets and files; emitting afterwards is an error. */
  close(): Promise<void>;
}

export interface TransportErrorOptions {
  /** Whether the same event can succeed later; false only when the receiver refused the event itself. */
  retryable: boolean;
  /** HTTP status, when there was one. */
  status?: number;
  /** How long the receiver asked to be left alone. */
  retryAfterMs?: number;
  cause?: unknown;
}

/** An event was not delivered. The message names the receiver without user, password or query. */
export class TransportError extends Error {
  readonly retryable: boolean;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: TransportErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TransportError';
    this.retryable = options.retryable;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}
