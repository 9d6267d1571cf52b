import { PortError, type Answer, type AnswerBatch, type AskOptions, type QueryEngineError } from '@k2/ports';
import type { EngineOutcome, EngineReply, EngineTask } from './engine-messages.ts';
import type { EngineProcess, RunListener } from './engine-process.ts';

/** Node's timers fire at once for anything longer. */
const TIMER_MS_MAX = 2_147_483_647;

/** A deadline and the caller's signal as one signal, whose reason is the PortError to report. */
export class QuestionLimits {
  readonly signal: AbortSignal;
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private readonly callerSignal: AbortSignal | undefined;
  private readonly onCallerAbort = () => this.controller.abort(cancelled());

  constructor({ timeoutMs, signal }: AskOptions) {
    this.signal = this.controller.signal;
    this.callerSignal = signal;
    this.timer = setTimeout(() => this.controller.abort(timedOut(timeoutMs)), Math.min(timeoutMs, TIMER_MS_MAX));
    if (signal?.aborted) this.onCallerAbort();
    signal?.addEventListener('abort', this.onCallerAbort, { once: true });
  }

  abort(error: QueryEngineError): void {
    this.controller.abort(error);
  }

  end(): void {
    clearTimeout(this.timer);
    this.callerSignal?.removeEventListener('abort', this.onCallerAbort);
  }
}

function timedOut(timeoutMs: number): QueryEngineError {
  const message = `the question was not answered within ${timeoutMs} ms; narrow it by time or symbol, or give it longer`;
  return new PortError('timeout', message, { timeoutMs });
}

function cancelled(): QueryEngineError {
  return new PortError('cancelled', 'the caller cancelled the question');
}

type Finish = Extract<EngineOutcome, { kind: 'ended' | 'exported' }>;

/** One question in an engine process, seen from the caller: batches in order, pulled, under the limits. */
export class AskedQuestion implements RunListener {
  /** Once the process is free of the task, however it ended. */
  readonly settled: Promise<void>;
  private readonly process: EngineProcess;
  private readonly limits: QuestionLimits;
  private readonly memoryBytesMax: number;
  private readonly batches: AnswerBatch[] = [];
  private columns: Answer['columns'] | null = null;
  private finish: Finish | null = null;
  private error: unknown = null;
  /** Limits are off: nothing can fail any more. */
  private isOver = false;
  /** The process works on this task; afterwards it may be working on another's. */
  private isRunning = true;
  private wake: () => void = () => {};

  constructor(process: EngineProcess, task: EngineTask, limits: QuestionLimits, memoryBytesMax: number) {
    this.process = process;
    this.limits = limits;
    this.memoryBytesMax = memoryBytesMax;
    limits.signal.addEventListener('abort', this.onAbort, { once: true });
    this.settled = process.run(task, this);
    if (limits.signal.aborted) this.onAbort();
  }

  private readonly onAbort = () => this.fail(this.limits.signal.reason);

  /** Resolves with the first reply that tells the columns; rejects where the question failed before. */
  async answer(): Promise<Answer> {
    while (this.columns === null) {
      if (this.error !== null) throw this.error;
      if (this.finish !== null) throw new PortError('unavailable', 'the engine ended the question without an answer');
      await this.woken();
    }
    return { columns: this.columns, batches: this.iterate() };
  }

  async exported(): Promise<{ readonly rowCount: number }> {
    while (this.finish === null) {
      if (this.error !== null) throw this.error;
      await this.woken();
    }
    if (this.finish.kind !== 'exported')
      throw new PortError('unavailable', 'the engine answered where it was to export');
    return { rowCount: this.finish.rowCount };
  }

  onReply({ columns, batch, done }: EngineReply): void {
    if (columns !== undefined) this.columns = columns;
    if (batch !== undefined && this.error === null) this.batches.push(batch);
    if (done !== undefined) this.isRunning = false;
    if (done?.kind === 'failed') this.fail(this.outcomeError(done));
    else if (done?.kind === 'ended' || done?.kind === 'exported') this.end(done);
    else if (done?.kind === 'stopped') this.fail(new PortError('cancelled', 'the reader stopped reading'));
    this.wake();
  }

  onDeath(error: QueryEngineError): void {
    this.isRunning = false;
    this.fail(error);
  }

  private outcomeError({ errorKind, message }: Extract<EngineOutcome, { kind: 'failed' }>): QueryEngineError {
    const context = errorKind === 'out-of-memory' ? { memoryBytesMax: this.memoryBytesMax } : {};
    return new PortError(errorKind, message, context, { retryable: errorKind === 'unavailable' });
  }

  /** Everything has arrived; what is left to do is the reader's, who still has the deadline. */
  private end(finish: Finish): void {
    this.finish = finish;
    if (this.batches.length === 0) this.over();
  }

  /** The first error counts: what follows from stopping the engine is not news. */
  private fail(error: unknown): void {
    if (this.isOver) return;
    this.error ??= error;
    this.batches.length = 0;
    this.over();
    if (this.isRunning) this.process.stop();
    this.wake();
  }

  private over(): void {
    this.isOver = true;
    this.limits.signal.removeEventListener('abort', this.onAbort);
    this.limits.end();
  }

  private async *iterate(): AsyncGenerator<AnswerBatch> {
    try {
      for (;;) {
        if (this.error !== null) throw this.error;
        const batch = this.batches.shift();
        if (batch !== undefined) {
          if (this.isRunning) this.process.credit();
          yield batch;
        } else if (this.finish !== null) {
          return;
        } else {
          await this.woken();
        }
      }
    } finally {
      if (this.finish === null) this.fail(new PortError('cancelled', 'the reader stopped reading'));
      else if (!this.isOver) this.over();
    }
  }

  private woken(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }
}
