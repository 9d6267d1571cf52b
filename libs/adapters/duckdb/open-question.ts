import {
  PortError,
  type Answer,
  type AnswerBatch,
  type LocalFile,
  type ObjectStore,
  type QueryEngineError,
  type Question,
  type ScanPlan,
  type SqlRead,
} from '@k2/ports';
import { AskedTask } from './asked-task.ts';
import type { DuckDbQueryEngineConfig } from './engine-config.ts';
import type { EngineLease, EnginePool } from './engine-pool.ts';
import { checkScanBytes, localScans } from './local-scans.ts';
import type { QuestionLimits } from './question-limits.ts';

export interface QuestionResources {
  readonly pool: EnginePool;
  readonly objectStore: ObjectStore;
  readonly config: DuckDbQueryEngineConfig;
}

/**
 * One question while it is answered, in one task or in several one after the other. Owns the leased process, the files
 * of the task that runs and the deadline, and gives each back once, on whatever path it ends.
 */
export class OpenQuestion {
  /** Once nothing is held any more. */
  readonly closed: Promise<void>;
  private readonly resources: QuestionResources;
  private readonly limits: QuestionLimits;
  private lease: EngineLease | null = null;
  private task: AskedTask | null = null;
  /** The task's process reads its files. */
  private isRunning = false;
  private error: unknown = null;
  /** Nothing can fail any more; a task may still be on its way to its end. */
  private isOver = false;
  private idleTimer: NodeJS.Timeout | undefined;
  private readonly close: () => void;

  constructor(resources: QuestionResources, limits: QuestionLimits) {
    this.resources = resources;
    this.limits = limits;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.close = resolve;
    limits.signal.addEventListener('abort', this.onAbort, { once: true });
    if (limits.signal.aborted) this.onAbort();
  }

  private readonly onAbort = () => this.fail(this.limits.signal.reason);

  /** Asks over the plans of each wave in turn, until there are as many rows as the question wants. */
  async answer(question: Question, waves: readonly (readonly ScanPlan[])[]): Promise<Answer> {
    const later = waves.slice(1);
    const first = await this.started(question, waves[0], { isLast: later.length === 0 });
    const columns = await this.orFailed(first.columns());
    if (later.length === 0 && first.isDrained) this.end();
    else this.readerTurn();
    return {
      columns,
      batches: this.batches(first, question, later),
      [Symbol.asyncDispose]: () => {
        this.fail(new PortError('cancelled', 'the reader stopped reading'));
        return this.closed;
      },
    };
  }

  async exported(question: Question, plans: readonly ScanPlan[], path: string): Promise<{ readonly rowCount: number }> {
    const task = await this.started(question, plans, { isLast: true, exportPath: path });
    const exported = await this.orFailed(task.exported());
    this.end();
    return exported;
  }

  async reads(question: Question): Promise<readonly SqlRead[]> {
    const task = await this.started(question, [], { isLast: true, asksReads: true });
    const reads = await this.orFailed(task.reads());
    this.end();
    return reads;
  }

  /** Ends the question with this error, unless it is over. */
  fail(error: unknown): void {
    if (this.isOver) return;
    this.error = error;
    this.task?.fail(error);
    this.end();
    // What is waited for still, a process or a file, is waited for no longer.
    this.limits.abort(error as QueryEngineError);
  }

  private async orFailed<Result>(result: Promise<Result>): Promise<Result> {
    try {
      return await result;
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  private async *batches(
    first: AskedTask,
    question: Question,
    later: readonly (readonly ScanPlan[])[],
  ): AsyncGenerator<AnswerBatch> {
    const waves = [...later];
    let task = first;
    let left = question.limit;
    try {
      for (;;) {
        this.engineTurn();
        const batch = await task.next();
        if (batch !== null) {
          left -= batch.rowCount;
          const isLast = left <= 0 || (waves.length === 0 && task.isDrained);
          if (isLast) this.end();
          else this.readerTurn();
          yield batch;
          if (isLast) return;
        } else {
          const wave = waves.shift();
          if (wave === undefined) return;
          task = await this.started({ ...question, limit: left }, wave, { isLast: waves.length === 0 });
        }
      }
    } finally {
      this.fail(new PortError('cancelled', 'the reader stopped reading'));
    }
  }

  /** Runs a task over the plans in the process leased, once their files are at hand. */
  private async started(
    question: Question,
    plans: readonly ScanPlan[],
    { isLast, ...asked }: { readonly isLast: boolean; readonly exportPath?: string; readonly asksReads?: true },
  ): Promise<AskedTask> {
    const { config } = this.resources;
    const files: LocalFile[] = [];
    const releaseFiles = () => files.forEach((file) => file.release());
    try {
      if (question.kind === 'sql') checkScanBytes(plans, config.sqlScanBytesMax);
      this.lease ??= await this.leased();
      const scans = await localScans(plans, files, this.resources, this.limits.signal);
      // Nothing has run in it yet.
      if (!this.lease.process.isAlive) this.lease = await this.leasedAnew(this.lease);
      if (this.error !== null) throw this.error;
      const task = new AskedTask(this.lease.process, { question, scans, ...asked }, config.memoryBytesMax);
      this.task = task;
      this.isRunning = true;
      void task.settled.then(() => {
        releaseFiles();
        this.isRunning = false;
        if (isLast || this.isOver) this.release();
      });
      return task;
    } catch (error) {
      releaseFiles();
      this.fail(error);
      // A lease that came when all was over.
      this.release();
      throw error;
    }
  }

  private leased(): Promise<EngineLease> {
    return this.resources.pool.lease(this.limits.signal, (error) => this.fail(error));
  }

  private leasedAnew(dead: EngineLease): Promise<EngineLease> {
    this.lease = null;
    dead.release();
    return this.leased();
  }

  /** Nothing more is wanted of engine and reader. */
  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.engineTurn();
    this.limits.signal.removeEventListener('abort', this.onAbort);
    this.limits.end();
    if (!this.isRunning) this.release();
  }

  private release(): void {
    this.lease?.release();
    this.lease = null;
    if (this.isOver) this.close();
  }

  /** From here on it is the reader who keeps the engine waiting: for a while, then at others' cost, then no longer. */
  private readerTurn(): void {
    const { stallMs, idleMsMax } = this.resources.config;
    this.idleTimer = setTimeout(() => {
      this.lease?.stalled();
      this.idleTimer = setTimeout(() => this.fail(idle(idleMsMax)), Math.max(0, idleMsMax - stallMs));
    }, stallMs);
  }

  private engineTurn(): void {
    clearTimeout(this.idleTimer);
    this.lease?.resumed();
  }
}

function idle(idleMsMax: number): QueryEngineError {
  const message = `the answer was cut: nothing of it was taken for ${idleMsMax} ms; read faster, or ask for less at a time`;
  return new PortError('timeout', message, { idleMsMax });
}
