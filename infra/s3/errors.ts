/** Sorts errors of the S3 client into the product's error table, by status and code only. */
import { SluiceError } from '../errors.js';

interface AwsError {
  name?: string;
  code?: string;
  $metadata?: { httpStatusCode?: number };
}

export function statusOf(error: unknown): number | undefined {
  return (error as AwsError).$metadata?.httpStatusCode;
}

/** True when a conditional write lost: another object (412) or another writer (409) was first. */
export function isPreconditionFailed(error: unknown): boolean {
  const status = statusOf(error);
  return status === 412 || status === 409;
}

export function isNotFound(error: unknown): boolean {
  return statusOf(error) === 404;
}

/** No answer, throttling and server errors are worth a retry; any other refusal is not. */
export function toObjectError(error: unknown, url: string): Error {
  if (error instanceof SluiceError) return error;
  if (error instanceof Error && error.name === 'AbortError') return error;
  const status = statusOf(error);
  const name = (error as AwsError).name ?? 'Error';
  if (status === undefined || status === 408 || status === 429 || status >= 500) {
    const reason = (error as AwsError).code ?? name;
    return new SluiceError('STORE_UNREACHABLE', `object store did not answer for ${url} (${status ?? reason})`, {
      cause: error,
    });
  }
  return new SluiceError('STORE_REJECTED', `object store refused ${url}: ${name} (${status})`, { cause: error });
}
