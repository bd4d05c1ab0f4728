/** The error table shared by all adapters: one code per kind of failure, with what a retry can do about it. */

/** Whether trying the same call again can help. `by-workflow`: only as a new, counted submission. */
export type Retry = 'yes' | 'no' | 'by-workflow';

export const ERROR_CODES = {
  INVALID_REQUEST: 'no',
  CONFIG_INVALID: 'no',
  ALREADY_RUNNING: 'no',
  PARTITION_BUSY: 'no',
  EMPTY_PARTITION: 'no',
  ENGINE_UNREACHABLE: 'yes',
  STORE_UNREACHABLE: 'yes',
  LINEAGE_UNREACHABLE: 'yes',
  ENGINE_REJECTED: 'no',
  JOB_FAILED_USER: 'no',
  JOB_FAILED_PLATFORM: 'by-workflow',
  JOB_NO_RESOURCES: 'by-workflow',
  JOB_LOST: 'by-workflow',
  JOB_NOT_READY: 'yes',
  JOB_STATUS_UNKNOWN: 'no',
  QUALITY_BLOCKED: 'no',
  STORE_CONFLICT: 'no',
  STORE_REJECTED: 'no',
  MANIFEST_MISSING: 'by-workflow',
  LOCAL_STACK: 'no',
} as const satisfies Record<string, Retry>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface SluiceErrorOptions {
  /** Overrides the table's verdict for this one error. */
  retryable?: boolean;
  cause?: unknown;
  /** Small, JSON-safe facts for a person or a test; never secrets. */
  details?: Record<string, unknown>;
}

/** An error with a stable code; messages are for people and say what would be right. */
export class SluiceError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly details: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, options: SluiceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SluiceError';
    this.code = code;
    this.retryable = options.retryable ?? ERROR_CODES[code] === 'yes';
    this.details = options.details ?? {};
  }
}

export function isSluiceError(error: unknown, code?: ErrorCode): error is SluiceError {
  return error instanceof SluiceError && (code === undefined || error.code === code);
}

/** What an error says, whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
