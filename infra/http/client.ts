/** A small JSON-over-HTTP client whose every failure is a coded error: no answer, refused, or a body that says nothing. */
import axios, { AxiosError, isAxiosError } from 'axios';
import type { AxiosInstance } from 'axios';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { z } from 'zod';
import { SluiceError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { messageOfBody } from './error-body.js';
import { retryAfterMs } from './retry-after.js';

export interface HttpClientOptions {
  baseUrl: string;
  /** Who is at the other end, for people, e.g. `Flink local`. */
  name: string;
  /** Limit for one exchange, answer included. Default 10 s. */
  timeoutMs?: number;
  /** Code for network faults, 408, 429, 5xx and answers that cannot be read. Default ENGINE_UNREACHABLE. */
  unreachableCode?: ErrorCode;
  /** Code for all other 4xx. Default ENGINE_REJECTED. */
  rejectedCode?: ErrorCode;
  headers?: Record<string, string>;
}

export interface HttpRequest {
  method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  query?: Record<string, string | number | boolean>;
  /** Sent as JSON unless it is a FormData. */
  body?: unknown;
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
  /** Client error statuses that the caller reads itself, e.g. 404. */
  accept?: readonly number[];
}

export interface HttpAnswer {
  status: number;
  text: string;
}

export interface HttpClient {
  readonly baseUrl: string;
  /** The raw answer; throws unless the status is 2xx or listed in `accept`. */
  send(path: string, request?: HttpRequest): Promise<HttpAnswer>;
  /** The parsed and validated body of a 2xx answer; a body of any other form counts as no answer. */
  json<S extends z.ZodType>(path: string, schema: S, request?: Omit<HttpRequest, 'accept'>): Promise<z.infer<S>>;
  /** Reads a body that `send` brought; a body of any other form counts as no answer. */
  parse<S extends z.ZodType>(answer: HttpAnswer, schema: S, path: string): z.infer<S>;
  /** Ends idle connections. */
  close(): void;
}

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const httpAgent = new HttpAgent({ keepAlive: true });
  const httpsAgent = new HttpsAgent({ keepAlive: true });
  const unreachable = options.unreachableCode ?? 'ENGINE_UNREACHABLE';
  const rejected = options.rejectedCode ?? 'ENGINE_REJECTED';
  const baseUrl = options.baseUrl.replace(/\/+$/, '');
  const timeoutMs = options.timeoutMs ?? 10_000;
  const http: AxiosInstance = axios.create({
    baseURL: baseUrl,
    httpAgent,
    httpsAgent,
    proxy: false,
    headers: { Accept: 'application/json', ...options.headers },
    responseType: 'text',
    transformResponse: (data: unknown) => data,
    validateStatus: () => true,
    maxContentLength: MAX_ANSWER_BYTES,
  });

  const noAnswer = (call: string, why: string, details: Record<string, unknown>, code?: string) =>
    new SluiceError(unreachable, `${options.name} gives no usable answer (${call}: ${why})`, {
      details,
      ...(code === undefined ? {} : { cause: new Error(code) }),
    });

  async function send(path: string, request: HttpRequest = {}): Promise<HttpAnswer> {
    const method = request.method ?? 'GET';
    const call = `${method} ${path}`;
    const limitMs = request.timeoutMs ?? timeoutMs;
    if (request.signal?.aborted) throw abortReason(request.signal);
    const limit = limitExchange(limitMs, request.signal);
    let status: number;
    let text: string;
    let retryAfter: unknown;
    try {
      const answer = await http.request<unknown>({
        url: path,
        method,
        signal: limit.signal,
        ...(request.query === undefined ? {} : { params: request.query }),
        ...(request.body === undefined ? {} : { data: request.body }),
      });
      status = answer.status;
      text = typeof answer.data === 'string' ? answer.data : '';
      retryAfter = answer.headers['retry-after'];
    } catch (error) {
      if (request.signal?.aborted) throw abortReason(request.signal);
      // The axios error is not kept as the cause: it carries the request with its headers and body.
      const code = limit.expired() ? 'TIMEOUT' : networkCode(error);
      throw noAnswer(call, limit.expired() ? `no answer within ${limitMs} ms` : code, { reason: code }, code);
    } finally {
      limit.end();
    }
    if ((status >= 200 && status < 300) || request.accept?.includes(status)) return { status, text };
    if (status === 408 || status === 429 || status >= 500 || status < 400) {
      const waitMs = retryAfterMs(retryAfter, Date.now());
      throw noAnswer(call, `HTTP ${status}`, { status, ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) });
    }
    const message = messageOfBody(text);
    throw new SluiceError(
      rejected,
      `${options.name} refused ${call} (HTTP ${status})${message ? `: ${message}` : ''}`,
      {
        details: { status },
      },
    );
  }

  function parse<S extends z.ZodType>(answer: HttpAnswer, schema: S, path: string): z.infer<S> {
    let body: unknown;
    try {
      body = JSON.parse(answer.text);
    } catch {
      throw noAnswer(path, `HTTP ${answer.status} with a body that is not JSON`, { status: answer.status });
    }
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    const first = parsed.error.issues[0];
    const where = first === undefined ? 'unexpected form' : `${first.path.join('.') || 'body'}: ${first.message}`;
    throw noAnswer(path, `HTTP ${answer.status}, ${where}`, { status: answer.status });
  }

  return {
    baseUrl,
    send,
    parse,
    json: async (path, schema, request) => parse(await send(path, request), schema, path),
    close: () => {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

/** One limit over the whole exchange, for axios' own `timeout` alone does not end a stalled connect; joined with the caller's signal. */
function limitExchange(limitMs: number, outer: AbortSignal | undefined) {
  const controller = new AbortController();
  let expired = false;
  const timer = setTimeout(() => {
    expired = true;
    controller.abort();
  }, limitMs);
  const onOuterAbort = () => controller.abort();
  outer?.addEventListener('abort', onOuterAbort, { once: true });
  return {
    signal: controller.signal,
    expired: () => expired,
    end: () => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', onOuterAbort);
    },
  };
}

/** The stable code of a network fault, never a text that may hold an address with a password. */
function networkCode(error: unknown): string {
  if (isAxiosError(error)) return error.code ?? AxiosError.ERR_NETWORK;
  return error instanceof Error ? error.name : 'UNKNOWN';
}

/** What to throw when the caller's signal ended the call: its own reason, so that a cancellation passes through untouched. */
export function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted');
}
