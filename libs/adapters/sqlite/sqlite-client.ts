import { Worker } from 'node:worker_threads';
import { PortError } from '@k2/ports';
import type { AnswerMessage, CallMessage, Programs, Reply } from './sqlite-protocol.ts';

type Method<Program> = {
  [Name in keyof Program]: Program[Name] extends (...args: never[]) => unknown ? Name : never;
}[keyof Program];
type Args<Program, Name extends keyof Program> = Program[Name] extends (...args: infer Given) => unknown
  ? Given
  : never;
type Value<Program, Name extends keyof Program> = Program[Name] extends (...args: never[]) => Reply<infer Given>
  ? Given
  : never;

interface PendingCall {
  readonly method: string;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One SQLite database in a worker thread of its own: SQLite's calls block, the caller's event loop does not.
 * Calls are answered in order. A call rejects with PortError: the kind the program refused with, `disk-full`, `unavailable` where
 * SQLite failed otherwise (`context.resultCode`), or `unavailable` with `context.lost` if the thread ended before it answered,
 * so that the outcome is unknown.
 */
export class SqliteClient<Name extends keyof Programs> {
  private readonly worker: Worker;
  private readonly path: string;
  private readonly pending = new Map<number, PendingCall>();
  private readonly exited: Promise<void>;
  private lastCallId = 0;
  private hasExited = false;

  constructor(program: Name, path: string) {
    this.path = path;
    const script = new URL(
      import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.js',
      import.meta.url,
    );
    this.worker = new Worker(script, { workerData: { program, path }, name: `sqlite ${program}` });
    this.worker.on('message', (answer: AnswerMessage) => this.settle(answer));
    let cause: unknown;
    this.worker.on('error', (error) => (cause = error));
    this.exited = new Promise((resolve) =>
      this.worker.on('exit', () => {
        this.hasExited = true;
        for (const { method, reject } of this.pending.values()) reject(this.lost(method, cause));
        this.pending.clear();
        resolve();
      }),
    );
  }

  /** Buffers in `transfer` move to the worker and are empty here afterwards. */
  call<M extends Method<Programs[Name]> & string>(
    method: M,
    args: Args<Programs[Name], M>,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<Value<Programs[Name], M>> {
    return new Promise((resolve, reject) => {
      if (this.hasExited) return reject(this.lost(method, undefined));
      const callId = ++this.lastCallId;
      this.worker.postMessage({ callId, method, args } satisfies CallMessage, [...transfer]);
      this.pending.set(callId, { method, resolve, reject });
    });
  }

  /** Resolves when the thread has ended, after the calls before it; the program's `close` makes it end. */
  async ended(): Promise<void> {
    await this.exited;
  }

  private settle(answer: AnswerMessage): void {
    const call = this.pending.get(answer.callId);
    if (call === undefined) return;
    this.pending.delete(answer.callId);
    if (answer.outcome === 'value') return call.resolve(answer.value as never);
    call.reject(
      answer.outcome === 'refusal'
        ? new PortError(answer.kind, answer.message, answer.context, { retryable: answer.retryable })
        : this.failed(call.method, answer.message, answer.resultCode),
    );
  }

  private failed(method: string, message: string, resultCode: number | null): PortError {
    return new PortError(
      isDiskFull(resultCode) ? 'disk-full' : 'unavailable',
      `${method} failed on ${this.path}: ${message}; nothing was changed${hint(resultCode)}`,
      { path: this.path, method, resultCode },
      { retryable: true },
    );
  }

  private lost(method: string, cause: unknown): PortError {
    return new PortError(
      'unavailable',
      `${method} on ${this.path}: the database thread ended before it answered; open the database again`,
      { path: this.path, method, lost: true },
      { cause },
    );
  }
}

/** SQLITE_FULL, and SQLITE_IOERR_SHMSIZE: no room for the index of the write-ahead log. */
function isDiskFull(resultCode: number | null): boolean {
  return resultCode !== null && ((resultCode & 0xff) === 13 || resultCode === 4874);
}

/** SQLite's primary result codes (sqlite.org/rescode.html). */
function hint(resultCode: number | null): string {
  switch (resultCode === null ? null : resultCode & 0xff) {
    case 5:
      return '; another process holds the file: is a second server running on this data directory?';
    case 11:
    case 26:
      return '; the file is damaged: restore it from a backup';
    case 13:
      return '; the disk is full: make room';
    case 14:
      return '; check that the directory exists and may be written';
    default:
      return '';
  }
}
