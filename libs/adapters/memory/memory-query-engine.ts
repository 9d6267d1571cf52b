import { setImmediate } from 'node:timers/promises';
import {
  PortError,
  type Answer,
  type AnswerBatch,
  type AskOptions,
  type Clock,
  type QueryEngine,
  type QueryEngineErrorKind,
  type Question,
  type ScanPlan,
  type SqlRead,
} from '@k2/ports';
import { answerBatch, type AnswerTable } from './memory-query-answer.ts';
import { auditAnswer } from './memory-query-audit.ts';
import { barsAnswer } from './memory-query-bars.ts';
import { planOf, type PlannedFiles } from './memory-query-plans.ts';
import { symbolsAnswer } from './memory-query-symbols.ts';
import { ticksAnswer } from './memory-query-ticks.ts';
import type { MemoryTickStore } from './memory-tick-store.ts';

export interface MemoryQueryEngineOptions {
  /** Has the planned files. */
  readonly store: Pick<MemoryTickStore, 'filesOf'>;
  readonly clock: Clock;
  /** Bound on answers being computed at once; one more is refused with `overloaded`. Default 64. */
  readonly asksMax?: number;
}

const BATCH_ROWS = 8_192;

/**
 * Answers the typed questions over a MemoryTickStore, in this process: for tests and demonstrations. It has no SQL
 * and writes no Parquet: `sql` questions and `exportParquet` are refused with `unsupported`.
 */
export class MemoryQueryEngine implements QueryEngine {
  private readonly store: Pick<MemoryTickStore, 'filesOf'>;
  private readonly clock: Clock;
  private readonly asksMax: number;
  private asks = 0;
  private closed = false;

  constructor({ store, clock, asksMax = 64 }: MemoryQueryEngineOptions) {
    this.store = store;
    this.clock = clock;
    this.asksMax = asksMax;
  }

  async ask(question: Question, plans: readonly ScanPlan[], options: AskOptions): Promise<Answer> {
    if (this.closed) throw error('unavailable', 'the memory query engine is closed: make another');
    if (this.asks === this.asksMax) {
      const message = `${this.asksMax} answers are being computed, which is the bound asksMax: ask again later`;
      throw error('overloaded', message, { asksMax: this.asksMax }, true);
    }
    this.asks++;
    try {
      const deadline = new Deadline(this.clock, options);
      // Lets calls made at once be counted, and a signal be heard, before the answer is computed in one go.
      await setImmediate();
      deadline.check();
      const table = this.compute(question, plans, deadline);
      // Nothing is held for it.
      const dispose = () => Promise.resolve();
      return { columns: table.columns, batches: this.batches(table, deadline), [Symbol.asyncDispose]: dispose };
    } finally {
      this.asks--;
    }
  }

  async sqlReads(): Promise<readonly SqlRead[]> {
    throw error('unsupported', 'the memory query engine has no SQL: that needs the DuckDB engine');
  }

  async exportParquet(): Promise<{ readonly rowCount: number }> {
    throw error('unsupported', 'the memory query engine writes no Parquet files: exports need the DuckDB engine');
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private compute(question: Question, plans: readonly ScanPlan[], deadline: Deadline): AnswerTable {
    if (question.kind === 'sql')
      throw error('unsupported', 'the memory query engine has no SQL: it needs the DuckDB engine');
    if (!Number.isInteger(question.limit) || question.limit < 0) {
      throw error('invalid-query', `limit is ${question.limit}: expected a whole number of rows`, {
        limit: question.limit,
      });
    }
    const planned = plans.map((plan): PlannedFiles => ({ plan, files: this.store.filesOf(plan) }));
    const check = () => deadline.check();
    switch (question.kind) {
      case 'ticks':
        return ticksAnswer(
          question,
          planOf(planned, question.recordType === 'trades' ? 'market_data.trades' : 'market_data.quotes'),
          check,
        );
      case 'bars':
        return barsAnswer(question, planOf(planned, 'market_data.trades'), check);
      case 'symbols':
        return symbolsAnswer(question, planned, check);
      case 'audit':
        return auditAnswer(question, planned, check);
    }
  }

  private async *batches(table: AnswerTable, deadline: Deadline): AsyncGenerator<AnswerBatch> {
    for (let from = 0; from < table.rowCount; from += BATCH_ROWS) {
      await setImmediate();
      if (this.closed) throw error('unavailable', 'the memory query engine was closed while it answered: ask another');
      deadline.check();
      yield answerBatch(table, from, Math.min(from + BATCH_ROWS, table.rowCount));
    }
  }
}

class Deadline {
  private readonly clock: Clock;
  private readonly options: AskOptions;
  private readonly startUs: number;

  constructor(clock: Clock, options: AskOptions) {
    this.clock = clock;
    this.options = options;
    this.startUs = clock.monotonicUs();
  }

  check(): void {
    const { timeoutMs, spentMs = 0, signal } = this.options;
    if (signal?.aborted === true) throw error('cancelled', 'the question was cancelled by its caller');
    if (this.clock.monotonicUs() - this.startUs <= (timeoutMs - spentMs) * 1_000) return;
    const message = `the answer was not complete after ${timeoutMs} ms: ask for less, or allow more time`;
    throw error('timeout', message, { timeoutMs });
  }
}

function error(
  kind: QueryEngineErrorKind,
  message: string,
  context: Readonly<Record<string, unknown>> = {},
  retryable = false,
) {
  return new PortError<QueryEngineErrorKind>(kind, message, context, { retryable });
}
