/** Sends each event to several transports; one that fails keeps none of the others from getting it. */
import type { OpenLineageEvent } from '../events.js';
import { TransportError, type Transport } from '../transport.js';

export class CompositeTransport implements Transport {
  readonly #transports: readonly Transport[];

  constructor(transports: readonly Transport[]) {
    if (transports.length === 0) throw new TypeError('a composite transport needs at least one transport');
    this.#transports = transports;
  }

  /** Rejects when any transport failed; emitting again then repeats the event to those that already have it. */
  emit(event: OpenLineageEvent): Promise<void> {
    return this.#each((transport) => transport.emit(event));
  }

  flush(): Promise<void> {
    return this.#each((transport) => transport.flush());
  }

  close(): Promise<void> {
    return this.#each((transport) => transport.close());
  }

  async #each(act: (transport: Transport) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(this.#transports.map(act));
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (errors.length > 0) throw combined(errors);
  }
}

/** Retryable while any part of it is: giving up would lose the event for a receiver that may still take it. */
function combined(errors: readonly unknown[]): TransportError {
  const messages = errors.map((error) => (error instanceof Error ? error.message : String(error)));
  const waits = errors.flatMap((error) => (error instanceof TransportError ? [error.retryAfterMs ?? 0] : []));
  const retryAfterMs = Math.max(0, ...waits);
  return new TransportError(messages.join('; '), {
    retryable: errors.some((error) => !(error instanceof TransportError) || error.retryable),
    ...(retryAfterMs > 0 ? { retryAfterMs } : {}),
    cause: errors.length === 1 ? errors[0] : new AggregateError(errors),
  });
}
