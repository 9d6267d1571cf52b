import { PortError, type AnswerBatch, type AnswerColumn, type QueryEngineError, type SqlRead } from '@k2/ports';
import type { EngineOutcome, EngineReply, EngineTask } from './engine-messages.ts';
import type { EngineProcess, RunListener } from './engine-process.ts';

type Finish = Extract<EngineOutcome, { kind: 'ended' | 'exported' | 'reads' }>;

/** One task in an engine process, seen from the caller: batches in order, pulled. */
export class AskedTask implements RunListener {
  /** Once the process is free of the task, however it ended. */
  readonly settled: Promise<void>;
  private readonly process: EngineProcess;
  private readonly memoryBytesMax: number;
  private readonly batches: AnswerBatch[] = [];
  private answerColumns: readonly AnswerColumn[] | null = null;
  private finish: Finish | null = null;
  private error: unknown = null;
  /** The process works on this task; afterwards it may be working on another's. */
  private isRunning = true;
  private wake: () => void = () => {};

  constructor(process: EngineProcess, task: EngineTask, memoryBytesMax: number) {
    this.process = process;
    this.memoryBytesMax = memoryBytesMax;
    this.settled = process.run(task, this);
  }

  /** All batches have been taken, and no more will come. */
  get isDrained(): boolean {
    return this.finish !== null && this.batches.length === 0;
  }

  /** Resolves with the first reply that tells the columns; rejects if the task failed before. */
  async columns(): Promise<readonly AnswerColumn[]> {
    while (this.answerColumns === null) {
      if (this.error !== null) throw this.error;
      if (this.finish !== null) throw new PortError('unavailable', 'the engine ended the question without an answer');
      await this.woken();
    }
    return this.answerColumns;
  }

  /** Null after the last. */
  async next(): Promise<AnswerBatch | null> {
    for (;;) {
      if (this.error !== null) throw this.error;
      const batch = this.batches.shift();
      if (batch !== undefined) {
        if (this.isRunning) this.process.credit();
        return batch;
      }
      if (this.finish !== null) return null;
      await this.woken();
    }
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

  async reads(): Promise<readonly SqlRead[]> {
    while (this.finish === null) {
      if (this.error !== null) throw this.error;
      await this.woken();
    }
    if (this.finish.kind !== 'reads') throw new PortError('unavailable', 'the engine answered another question');
    return this.finish.reads;
  }

  /** Ends the task with this error, unless it had one: what follows from stopping the engine is not news. */
  fail(error: unknown): void {
    this.error ??= error;
    this.batches.length = 0;
    if (this.isRunning) this.process.stop();
    this.wake();
  }

  onReply({ columns, batch, done }: EngineReply): void {
    if (columns !== undefined) this.answerColumns = columns;
    if (batch !== undefined && this.error === null) this.batches.push(batch);
    if (done !== undefined) this.isRunning = false;
    if (done?.kind === 'failed') this.fail(this.outcomeError(done));
    else if (done?.kind === 'stopped') this.fail(new PortError('cancelled', 'the engine was told to stop'));
    else if (done !== undefined) this.finish = done;
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

  private woken(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }
}
