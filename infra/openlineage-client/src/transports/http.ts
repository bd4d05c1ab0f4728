/** Sends each event as one POST over kept connections, with a deadline, and tries again when the receiver can recover. */
import * as http from 'node:http';
import * as https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenLineageEvent } from '../events.js';
import { TransportError, type Transport } from '../transport.js';

export interface HttpTransportOptions {
  /** Address of the receiver, such as `http://127.0.0.1:5000`; credentials belong in `apiKey` or `headers`. */
  url: string;
  /** Path below `url`; default `api/v1/lineage`. */
  endpoint?: string;
  /** Sent as `Authorization: Bearer …`. */
  apiKey?: string;
  headers?: Record<string, string>;
  /** For one try, from connecting to the whole answer; default 5,000. */
  timeoutMs?: number;
  /** Further tries after the first; default 3, and 0 for callers with a queue of their own. */
  retries?: number;
  /** Pause before the first retry, doubled for each next one, with jitter; default 200. */
  backoffMs?: number;
  /** No pause inside `emit` is longer, whatever `Retry-After` says; a longer wish ends the tries. Default 10,000. */
  maxBackoffMs?: number;
  /** Connections kept at once; default 8. */
  maxSockets?: number;
}

/** A receiver's answer is read up to here, enough for its reason in an error text. */
const MAX_ANSWER_CHARS = 500;

export class HttpTransport implements Transport {
  readonly #url: URL;
  /** What errors may show of the address. */
  readonly #shown: string;
  readonly #agent: http.Agent;
  readonly #request: typeof http.request;
  readonly #headers: Record<string, string>;
  readonly #timeoutMs: number;
  readonly #retries: number;
  readonly #backoffMs: number;
  readonly #maxBackoffMs: number;
  readonly #pending = new Set<Promise<void>>();
  #closed = false;

  constructor(options: HttpTransportOptions) {
    this.#url = receiverUrl(options.url, options.endpoint ?? 'api/v1/lineage');
    this.#shown = `${this.#url.origin}${this.#url.pathname}`;
    const secure = this.#url.protocol === 'https:';
    const agentOptions = { keepAlive: true, maxSockets: options.maxSockets ?? 8 };
    this.#agent = secure ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
    this.#request = secure ? https.request : http.request;
    this.#headers = {
      'content-type': 'application/json',
      ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
      ...options.headers,
    };
    this.#timeoutMs = options.timeoutMs ?? 5_000;
    this.#retries = options.retries ?? 3;
    this.#backoffMs = options.backoffMs ?? 200;
    this.#maxBackoffMs = options.maxBackoffMs ?? 10_000;
  }

  emit(event: OpenLineageEvent): Promise<void> {
    if (this.#closed) return Promise.reject(new TransportError('transport is closed', { retryable: false }));
    const delivery = this.#deliver(Buffer.from(JSON.stringify(event)));
    this.#pending.add(delivery);
    const forget = () => void this.#pending.delete(delivery);
    delivery.then(forget, forget);
    return delivery;
  }

  async flush(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
    this.#agent.destroy();
  }

  async #deliver(body: Buffer): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#post(body);
      } catch (error) {
        if (!(error instanceof TransportError) || !error.retryable || attempt >= this.#retries) throw error;
        const pauseMs = this.#pauseMs(attempt, error.retryAfterMs);
        if (pauseMs > this.#maxBackoffMs) throw error;
        await sleep(pauseMs);
      }
    }
  }

  #pauseMs(attempt: number, retryAfterMs: number | undefined): number {
    const backoffMs = Math.min(this.#backoffMs * 2 ** attempt, this.#maxBackoffMs) * (0.5 + Math.random() / 2);
    return Math.max(backoffMs, retryAfterMs ?? 0);
  }

  #post(body: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => {
        request.destroy(Object.assign(new Error(`no answer within ${this.#timeoutMs} ms`), { code: 'ETIMEDOUT' }));
      }, this.#timeoutMs);
      const unreachable = (cause: Error) => {
        clearTimeout(deadline);
        const reason = (cause as NodeJS.ErrnoException).code ?? cause.message;
        reject(new TransportError(`no answer from ${this.#shown}: ${reason}`, { retryable: true, cause }));
      };
      const request = this.#request(
        this.#url,
        { method: 'POST', agent: this.#agent, headers: { ...this.#headers, 'content-length': body.length } },
        (response) => {
          let answer = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            if (answer.length < MAX_ANSWER_CHARS) answer += chunk;
          });
          response.on('error', unreachable);
          response.on('end', () => {
            clearTimeout(deadline);
            const status = response.statusCode ?? 0;
            if (status >= 200 && status < 300) resolve();
            else reject(refusal(this.#shown, status, answer, response.headers['retry-after']));
          });
        },
      );
      request.on('error', unreachable);
      request.end(body);
    });
  }
}

/** 408, 425, 429 and 5xx can pass; so can 401, 403 and 404, which are about our settings and not about the event. */
function refusal(shown: string, status: number, answer: string, retryAfter: string | undefined): TransportError {
  const retryable = status >= 500 || status < 400 || [401, 403, 404, 408, 425, 429].includes(status);
  const reason = answer.slice(0, MAX_ANSWER_CHARS).trim();
  const retryAfterMs = parseRetryAfter(retryAfter);
  return new TransportError(`${shown} answered ${status}${reason === '' ? '' : `: ${reason}`}`, {
    retryable,
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Seconds or an HTTP date; anything else is ignored. */
export function parseRetryAfter(value: string | undefined, now = Date.now()): number | undefined {
  if (value === undefined || value.trim() === '') return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function receiverUrl(address: string, endpoint: string): URL {
  let base: URL | undefined;
  try {
    base = new URL(address);
  } catch {
    base = undefined;
  }
  if (
    base === undefined ||
    !['http:', 'https:'].includes(base.protocol) ||
    base.username !== '' ||
    base.password !== ''
  ) {
    throw new TypeError(
      'url must be an http or https address without user and password; use apiKey or headers for those',
    );
  }
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/+$/, '')}/${endpoint.replace(/^\/+/, '')}`;
  return url;
}
