import { isMarkedAsUntransferable, Worker } from 'node:worker_threads';
import type { Column } from '@k2/domain/market';
import { PortError, type TickStoreErrorKind } from '@k2/ports';
import type { WriteJob, WriterOptions, WriterRequest, WriterResponse, WrittenFile } from './write-job.ts';

export interface ParquetWriterLimits {
  /** Jobs being written or waiting for it; further calls wait for their turn. */
  readonly jobsMax: number;
  /** A job that takes longer is given up, and its thread with it. */
  readonly jobTimeoutMs: number;
  /** How long a thread that is stopped may take to end what it writes; after that it is left to itself. */
  readonly stopTimeoutMs: number;
}

/** Writes jobs in a thread of their own. The columns' memory moves there; the caller has them no more. */
export class ParquetWriter {
  private readonly options: WriterOptions;
  private readonly limits: ParquetWriterLimits;
  private worker: Worker | null = null;
  private readonly running = new Map<number, RunningJob>();
  /** Threads that were stopped and have not ended. */
  private readonly ending = new Set<Promise<void>>();
  private readonly waiting: (() => void)[] = [];
  private jobs = 0;
  private lastId = 0;
  private closed = false;

  constructor(options: WriterOptions, limits: ParquetWriterLimits) {
    this.options = options;
    this.limits = limits;
  }

  async write(job: WriteJob): Promise<readonly WrittenFile[]> {
    await this.turn();
    try {
      if (this.closed) throw new Error('the Parquet writer is closed');
      return await this.run(job);
    } finally {
      this.passTurn();
    }
  }

  /** Resolves once no thread writes any more, or after `stopTimeoutMs`. */
  async close(): Promise<void> {
    this.closed = true;
    this.stop(new Error('the Parquet writer was closed'));
    await Promise.all(this.ending);
  }

  private async turn(): Promise<void> {
    if (this.jobs < this.limits.jobsMax) this.jobs++;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private passTurn(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.jobs--;
    else next();
  }

  private run(job: WriteJob): Promise<readonly WrittenFile[]> {
    const id = ++this.lastId;
    const { jobTimeoutMs } = this.limits;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        // It may be of a thread that is ending, in whose place another works.
        if (this.running.has(id)) this.stop(new Error(`writing Parquet took longer than ${jobTimeoutMs} ms`));
      }, jobTimeoutMs);
      const settled =
        <Argument>(settle: (argument: Argument) => void) =>
        (argument: Argument) => {
          clearTimeout(timer);
          this.running.delete(id);
          settle(argument);
        };
      this.running.set(id, { resolve: settled(resolve), reject: settled(reject) });
      try {
        const { job: own, buffers } = movable(job);
        this.started().postMessage({ id, job: own } satisfies WriterRequest, buffers);
      } catch (error) {
        this.running.get(id)!.reject(unwritable(String(error)));
      }
    });
  }

  private started(): Worker {
    if (this.worker !== null) return this.worker;
    const worker = new Worker(
      new URL(import.meta.url.endsWith('.ts') ? './parquet-worker.ts' : './parquet-worker.js', import.meta.url),
      {
        workerData: this.options,
        name: 'parquet writer',
      },
    );
    worker.on('message', (response: WriterResponse) => {
      const job = this.running.get(response.id);
      if ('files' in response) job?.resolve(response.files);
      else job?.reject(response.isOfMachine ? new Error(response.error) : unwritable(response.error));
    });
    worker.on('error', (error) => {
      if (this.worker === worker) this.stop(error);
    });
    worker.on('exit', (code) => {
      if (this.worker === worker) this.stop(new Error(`the Parquet writing thread exited with code ${code}`));
    });
    this.worker = worker;
    return worker;
  }

  /**
   * Fails what runs, once its thread writes nothing more: who asked for it may then remove its directory. The next job
   * starts a new thread.
   */
  private stop(reason: Error): void {
    const { worker } = this;
    if (worker === null) return;
    this.worker = null;
    const jobs = [...this.running.values()];
    this.running.clear();
    const ended = endOf(worker, this.limits.stopTimeoutMs).then(() => {
      this.ending.delete(ended);
      for (const job of jobs) job.reject(reason);
    });
    this.ending.add(ended);
  }
}

interface RunningJob {
  resolve(files: readonly WrittenFile[]): void;
  reject(error: Error): void;
}

/**
 * Lets a thread end its native work and exit by itself. It is never terminated, as DuckDB's threads would lose what they
 * work on, and the process with it; one that does not end no longer keeps the process.
 */
async function endOf(worker: Worker, timeoutMs: number): Promise<void> {
  if (worker.threadId === EXITED) return;
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  worker.postMessage('stop' satisfies WriterRequest);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)));
  await Promise.race([exited, late]);
  clearTimeout(timer);
  worker.unref();
}

/** The id of a thread that has ended. */
const EXITED = -1;

function unwritable(reason: string): PortError<TickStoreErrorKind> {
  return new PortError('unwritable-rows', `these rows cannot be written as Parquet: ${reason}`);
}

interface Movable {
  readonly job: WriteJob;
  readonly buffers: readonly ArrayBuffer[];
}

/**
 * The job with columns that own their memory, and that memory. A column that is a view of a larger buffer is copied:
 * moving the buffer would take away what others see through it.
 */
function movable(job: WriteJob): Movable {
  const buffers = new Set<ArrayBuffer>();
  const owned = <Values extends ColumnArray>(values: Values): Values => {
    const array = (isWholeBuffer(values) ? values : values.slice()) as Values;
    buffers.add(array.buffer as ArrayBuffer);
    return array;
  };
  const batches = job.batches.map(({ rowCount, columns }) => ({
    rowCount,
    columns: columns.map((column) => ownedColumn(column, owned)),
  }));
  return { job: { ...job, batches }, buffers: [...buffers] };
}

type ColumnArray = Uint8Array | Uint16Array | Uint32Array | Float64Array | BigInt64Array;

function isWholeBuffer({ buffer, byteLength }: ColumnArray): boolean {
  const isShared = Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]';
  return byteLength === buffer.byteLength && !isShared && !isMarkedAsUntransferable(buffer);
}

function ownedColumn(column: Column, owned: <Values extends ColumnArray>(values: Values) => Values): Column {
  switch (column.kind) {
    case 'integer':
      return { ...column, values: owned(column.values) };
    case 'int64':
    case 'decimal':
      return { ...column, values: owned(column.values) };
    case 'dictionary':
      return { ...column, codes: owned(column.codes) };
    case 'utf8':
    case 'binary':
      return { ...column, values: { offsets: owned(column.values.offsets), bytes: owned(column.values.bytes) } };
  }
}
