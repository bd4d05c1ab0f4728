/** The client: checks an event if asked to, and hands it to its transport. */
import type { OpenLineageEvent } from './events.js';
import type { Transport } from './transport.js';
import { assertValidEvent } from './validate.js';

export interface OpenLineageClientOptions {
  transport: Transport;
  /** Refuse events that break the specification before they are sent; default false, since it costs time per event. */
  validate?: boolean;
}

export class OpenLineageClient {
  readonly #transport: Transport;
  readonly #validate: boolean;

  constructor(options: OpenLineageClientOptions) {
    this.#transport = options.transport;
    this.#validate = options.validate ?? false;
  }

  /** Resolves when the receiver has the event, rejects with a TransportError when it has not; never drops one silently. */
  async emit(event: OpenLineageEvent): Promise<void> {
    if (this.#validate) assertValidEvent(event);
    await this.#transport.emit(event);
  }

  flush(): Promise<void> {
    return this.#transport.flush();
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}
