import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { isPortError, type AskOptions, type Scheduler } from '@k2/ports';
import { HeldBytes, type HeldAnswer } from '../http/held-bytes.ts';
import { ProblemError } from '../http/problem.ts';

export interface AnswerFileLimits {
  /** Answers being written or read. */
  readonly countMax: number;
  /** Of all of them. */
  readonly bytesMax: number;
  /** Of one. */
  readonly fileBytesMax: number;
}

const MIB = 2 ** 20;
export const ANSWER_FILE_LIMITS: AnswerFileLimits = {
  countMax: 64,
  bytesMax: 768 * MIB,
  fileBytesMax: 256 * MIB,
};

/** How often the size of a file that is being written is looked at: that much it may grow beyond a bound. */
const WATCH_INTERVAL_MS = 50;

/** A whole answer on disk. Its owner streams it or discards it. */
export interface AnswerFile<Result> {
  readonly result: Result;
  readonly sizeBytes: number;
  /** Gives everything back when it closes. */
  stream(): Readable;
  discard(): Promise<void>;
}

/**
 * Answers that only exist as a file: Parquet. They are bounded, lie in the scratch directory of the process, and are
 * unlinked before their first byte is sent: a kill leaves half-written ones at most, which the next start deletes.
 */
export class AnswerFiles {
  private readonly directory: string;
  private readonly scheduler: Scheduler;
  private readonly fileBytesMax: number;
  private readonly held: HeldBytes;

  constructor(directory: string, scheduler: Scheduler, limits: AnswerFileLimits = ANSWER_FILE_LIMITS) {
    this.directory = directory;
    this.scheduler = scheduler;
    this.fileBytesMax = limits.fileBytesMax;
    this.held = new HeldBytes('Parquet answers', limits);
  }

  /** Has `write` make a file at a path. Throws `overloaded`, `answer-too-large`, and what `write` throws. */
  async write<Result>(
    write: (path: string, options: AskOptions) => Promise<Result>,
    options: AskOptions,
  ): Promise<AnswerFile<Result>> {
    const held = this.held.hold(0);
    let directory: string | null = null;
    try {
      directory = await mkdtemp(join(this.directory, 'answer-'));
      const path = join(directory, 'answer.parquet');
      const result = await this.bounded({ directory, held, options }, (bounded) => write(path, bounded));
      return await openFile({ path, directory, held, result });
    } catch (error) {
      if (directory !== null) await removed(directory);
      held.release();
      throw error;
    }
  }

  /** Cancels the writing of a file that grows beyond its bound, or takes the last of the room of all. */
  private async bounded<Result>(
    { directory, held, options }: { directory: string; held: HeldAnswer; options: AskOptions },
    write: (options: AskOptions) => Promise<Result>,
  ): Promise<Result> {
    const refused = new AbortController();
    const written = new AbortController();
    const measure = async () => {
      const sizeBytes = await sizeOf(directory);
      if (sizeBytes > this.fileBytesMax) throw this.tooLarge();
      held.resize(sizeBytes);
    };
    const watch = async () => {
      while (!written.signal.aborted) {
        await this.scheduler.sleep(WATCH_INTERVAL_MS, written.signal);
        await measure().catch((error: unknown) => refused.abort(error));
      }
    };
    const watching = watch();
    const signals = [refused.signal, ...(options.signal === undefined ? [] : [options.signal])];
    try {
      const result = await write({ ...options, signal: AbortSignal.any(signals) });
      await measure();
      return result;
    } catch (error) {
      throw refused.signal.aborted && isPortError(error, 'cancelled') ? refused.signal.reason : error;
    } finally {
      written.abort();
      await watching;
    }
  }

  private tooLarge(): ProblemError {
    return new ProblemError(
      'answer-too-large',
      `the answer is over ${this.fileBytesMax} bytes as Parquet: ask for fewer rows or columns, or for format=ndjson, csv or arrow, which have no such bound`,
    );
  }
}

interface WrittenFile<Result> {
  readonly path: string;
  readonly directory: string;
  readonly held: HeldAnswer;
  readonly result: Result;
}

async function openFile<Result>({ path, directory, held, result }: WrittenFile<Result>): Promise<AnswerFile<Result>> {
  const handle = await open(path);
  const { size } = await handle.stat();
  // Where the name of an open file cannot be taken away (Windows), it goes when the file is closed.
  await removed(directory);
  const end = () => {
    held.release();
    return removed(directory);
  };
  const stream = () => {
    const bytes = handle.createReadStream();
    bytes.once('close', () => void end());
    return bytes;
  };
  const discard = async () => {
    await handle.close();
    await end();
  };
  return { result, sizeBytes: size, stream, discard };
}

/** What cannot be deleted now goes with the scratch directory. */
async function removed(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true }).catch(() => undefined);
}

/** Zero when a file of it was renamed meanwhile. */
async function sizeOf(directory: string): Promise<number> {
  try {
    const names = await readdir(directory);
    const stats = await Promise.all(names.map((name) => stat(join(directory, name))));
    return stats.reduce((sum, { size }) => sum + size, 0);
  } catch {
    return 0;
  }
}
