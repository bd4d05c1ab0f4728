/** Appends each event as one JSON line to a file; `flush` returns when the lines are on disk. */
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { OpenLineageEvent } from '../events.js';
import { TransportError, type Transport } from '../transport.js';

export interface FileTransportOptions {
  /** Its folder is made when missing. */
  path: string;
}

interface Waiting {
  line: string;
  resolve: () => void;
  reject: (error: TransportError) => void;
}

export class FileTransport implements Transport {
  readonly #path: string;
  #file: FileHandle | undefined;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor(options: FileTransportOptions) {
    this.#path = options.path;
  }

  emit(event: OpenLineageEvent): Promise<void> {
    if (this.#closed) return Promise.reject(new TransportError('transport is closed', { retryable: false }));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line: `${JSON.stringify(event)}\n`, resolve, reject });
      this.#writing ??= this.#drain();
    });
  }

  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    try {
      await this.#file?.datasync();
    } catch (error) {
      throw fileError(this.#path, error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    try {
      await this.flush();
    } finally {
      await this.#file?.close();
      this.#file = undefined;
    }
  }

  /** Writes all lines that wait in one call, again and again until none wait: order is kept and calls stay few. */
  async #drain(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting;
        this.#waiting = [];
        try {
          this.#file ??= await openForAppend(this.#path);
          await this.#file.appendFile(batch.map((waiting) => waiting.line).join(''));
          for (const waiting of batch) waiting.resolve();
        } catch (error) {
          await this.#reopenLater();
          for (const waiting of batch) waiting.reject(fileError(this.#path, error));
        }
      }
    } finally {
      this.#writing = undefined;
    }
  }

  /** After a failed write the file may end in half a line; opening it again mends that. */
  async #reopenLater(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => undefined);
  }
}

/** A crash can leave half a line behind; a line break keeps the next event readable. */
async function openForAppend(path: string): Promise<FileHandle> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'a+');
  try {
    const { size } = await file.stat();
    if (size > 0) {
      const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
      if (buffer.toString('latin1') !== '\n') await file.appendFile('\n');
    }
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function fileError(path: string, cause: unknown): TransportError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TransportError(`cannot append to ${path}: ${reason}`, { retryable: true, cause });
}
