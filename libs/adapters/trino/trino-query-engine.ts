import { scanWaves } from '@k2/domain/lake';
import {
  isPortError,
  PortError,
  type Answer,
  type AnswerBatch,
  type AskOptions,
  type Clock,
  type Histogram,
  type QueryEngine,
  type Question,
  type ScanPlan,
  type SqlRead,
  type Scheduler,
  type Telemetry,
} from '@k2/ports';
import { pageBatches } from './page-batches.ts';
import { QuestionLimits } from './question-limits.ts';
import { questionStatement } from './question-statement.ts';
import type { Statement } from './statement.ts';
import type { TrinoClient, TrinoPage } from './trino-client.ts';
import { TRINO_QUERY_ENGINE_DEFAULTS, type TrinoQueryEngineConfig } from './trino-config.ts';

export interface TrinoQueryEngineOptions {
  /** The engine closes it. */
  readonly client: TrinoClient;
  /** What Trino calls the Iceberg catalog whose tables the plans are of. */
  readonly catalog: string;
  /** A file's key in the ObjectStore as the tables' metadata names it: `s3://bucket/prefix/key`. */
  readonly locationOf: (key: string) => string;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry?: Telemetry;
  readonly config?: Partial<TrinoQueryEngineConfig>;
}

/**
 * Answers typed questions with Trino, which reads the plan's snapshot of the same Iceberg tables, and of that the plan's
 * files alone. SQL and exports are `unsupported`: SQL could not be held to the plans, and Trino writes no local files.
 */
export class TrinoQueryEngine implements QueryEngine {
  private readonly options: TrinoQueryEngineOptions;
  private readonly config: TrinoQueryEngineConfig;
  private readonly askDuration: Histogram | undefined;
  private readonly open = new Set<QuestionLimits>();
  private isClosed = false;

  constructor(options: TrinoQueryEngineOptions) {
    const { telemetry, config } = options;
    this.options = options;
    this.config = { ...TRINO_QUERY_ENGINE_DEFAULTS, ...config };
    this.askDuration = telemetry?.histogram(
      'k2_query_engine_ask_ms',
      'From the question to its columns, or to its failure.',
      'ms',
    );
    telemetry?.gauge('k2_query_engine_questions', 'Questions running and waiting.', () => [
      [this.open.size, { pool: 'trino', state: 'running' }],
    ]);
  }

  async ask(question: Question, plans: readonly ScanPlan[], options: AskOptions): Promise<Answer> {
    const { clock, scheduler } = this.options;
    const { questionsMax } = this.config;
    if (this.isClosed) throw new PortError('unavailable', 'the query engine is closed');
    if (this.open.size >= questionsMax) {
      const message = `${questionsMax} questions are being answered, which is the bound: ask again later`;
      throw new PortError('overloaded', message, { questionsMax }, { retryable: true });
    }
    const startedUs = clock.monotonicUs();
    const limits = new QuestionLimits(options, scheduler);
    this.open.add(limits);
    let outcome = 'answered';
    try {
      return await this.started(question, plans, limits, options.timeoutMs);
    } catch (error) {
      this.ended(limits);
      outcome = isPortError(error) ? error.kind : 'unavailable';
      throw error;
    } finally {
      this.askDuration?.record((clock.monotonicUs() - startedUs) / 1_000, { question: question.kind, outcome });
    }
  }

  sqlReads(): Promise<readonly SqlRead[]> {
    return Promise.reject(
      new PortError('unsupported', 'the Trino engine answers no SQL: ask a server whose K2_ENGINE is duckdb'),
    );
  }

  exportParquet(): Promise<{ readonly rowCount: number }> {
    const message =
      'the Trino engine writes no Parquet files: ask for another format, or ask a server whose K2_ENGINE is duckdb';
    return Promise.reject(new PortError('unsupported', message));
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const limits of this.open) limits.abort(new PortError('unavailable', 'the query engine is closing'));
    await this.options.client.close();
  }

  /** Returns when the first rows are there, or it is known that there are none. */
  private async started(
    question: Question,
    plans: readonly ScanPlan[],
    limits: QuestionLimits,
    timeoutMs: number,
  ): Promise<Answer> {
    const [wave, ...later] = wavesOf(question, plans);
    const first = await this.asked(question, wave, limits, timeoutMs);
    const next = (left: number, files: readonly ScanPlan[]) =>
      this.asked({ ...question, limit: left }, files, limits, timeoutMs);
    return {
      columns: first.statement.columns,
      batches: this.batches(first, question.limit, later, next, limits),
      [Symbol.asyncDispose]: async () => limits.abort(new PortError('cancelled', 'the reader stopped reading')),
    };
  }

  /** Resolves when the first rows are there, or it is known that there are none. */
  private async asked(
    question: Question,
    plans: readonly ScanPlan[],
    limits: QuestionLimits,
    timeoutMs: number,
  ): Promise<AskedStatement> {
    limits.signal.throwIfAborted();
    const { catalog, locationOf, client } = this.options;
    const statement = questionStatement(question, plans, { catalog, locationOf, filesMax: this.config.filesMax });
    if (statement.sql === null) return { statement, first: null, pages: null };
    this.checkLength(statement.sql);
    // Trino's own deadline is for when it does not hear of ours.
    const session = { query_max_run_time: `${Math.ceil(timeoutMs) + RUN_TIME_GRACE_MS}ms` };
    const pages = client.pages(statement.sql, { signal: limits.signal, session });
    // Ends what waits for a reader, who may never come; what waits for Trino hears of the signal itself.
    const onAbort = () => {
      this.ended(limits);
      void pages.return().catch(() => undefined);
    };
    limits.signal.addEventListener('abort', onAbort, { once: true });
    return { statement, first: await nextRows(pages), pages };
  }

  /** Asks of one wave of files after the other, until there are as many rows as are wanted. */
  private async *batches(
    asked: AskedStatement,
    limit: number,
    later: readonly (readonly ScanPlan[])[],
    next: (left: number, wave: readonly ScanPlan[]) => Promise<AskedStatement>,
    limits: QuestionLimits,
  ): AsyncGenerator<AnswerBatch, void, undefined> {
    let left = limit;
    let current = asked;
    try {
      for (const wave of [...later, null]) {
        for await (const batch of statementBatches(current, limits)) {
          left -= batch.rowCount;
          yield batch;
        }
        if (wave === null || left <= 0) return;
        current = await next(left, wave);
      }
    } finally {
      this.ended(limits);
      await current.pages?.return();
    }
  }

  private ended(limits: QuestionLimits): void {
    limits.end();
    this.open.delete(limits);
  }

  private checkLength(sql: string): void {
    const { sqlBytesMax } = this.config;
    const bytes = Buffer.byteLength(sql);
    if (bytes <= sqlBytesMax) return;
    const message = `the question takes ${bytes} bytes of SQL, and Trino is sent at most ${sqlBytesMax}: narrow it by time or symbol`;
    throw new PortError('unsupported', message, { bytes, sqlBytesMax });
  }
}

const RUN_TIME_GRACE_MS = 1_000;

async function nextRows(pages: AsyncGenerator<TrinoPage, void, undefined>): Promise<TrinoPage | null> {
  for (;;) {
    const { value, done } = await pages.next();
    if (done === true) return null;
    if (value.rows.length > 0) return value;
  }
}

async function* statementBatches(
  { statement, first, pages }: AskedStatement,
  { signal }: QuestionLimits,
): AsyncGenerator<AnswerBatch, void, undefined> {
  for (let page = first; page !== null && pages !== null; page = await nextRows(pages)) {
    for (const batch of pageBatches(page, statement)) {
      signal.throwIfAborted();
      yield batch;
    }
    signal.throwIfAborted();
  }
}

/** Ticks are asked for by files in the order of time: the newest hundred of a year are in the last of them. */
function wavesOf(question: Question, plans: readonly ScanPlan[]): readonly (readonly ScanPlan[])[] {
  if (question.kind !== 'ticks' || plans.length !== 1) return [plans];
  const [plan] = plans;
  return scanWaves(plan.files, question.order).map((files) => [{ ...plan, files }]);
}

/** A statement that was sent, and its first rows; no pages where no file is planned. */
interface AskedStatement {
  readonly statement: Statement;
  readonly first: TrinoPage | null;
  readonly pages: AsyncGenerator<TrinoPage, void, undefined> | null;
}
