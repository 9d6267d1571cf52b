import { rename, rm } from 'node:fs/promises';
import { scanWaves } from '@k2/domain/lake';
import type { TableName } from '@k2/domain/market';
import {
  isPortError,
  PortError,
  type Answer,
  type AskOptions,
  type Histogram,
  type ObjectStore,
  type QueryEngine,
  type Question,
  type ScanPlan,
  type SqlRead,
  type Telemetry,
} from '@k2/ports';
import { engineConfinement } from './engine-confinement.ts';
import { DUCKDB_QUERY_ENGINE_DEFAULTS, type DuckDbQueryEngineConfig } from './engine-config.ts';
import { EnginePool } from './engine-pool.ts';
import { OpenQuestion } from './open-question.ts';
import { QuestionLimits } from './question-limits.ts';

export interface DuckDbQueryEngineOptions {
  readonly objectStore: ObjectStore;
  readonly telemetry?: Telemetry;
  readonly config?: Partial<DuckDbQueryEngineConfig>;
}

/**
 * Answers questions with DuckDB over Parquet files, in child processes that can be killed: a pool for typed questions,
 * and another for user SQL, so that a bomb in the one leaves the other alone. Planned files stay acquired while a
 * question reads them.
 */
export class DuckDbQueryEngine implements QueryEngine {
  private readonly objectStore: ObjectStore;
  private readonly config: DuckDbQueryEngineConfig;
  private readonly typedPool: EnginePool;
  private readonly sqlPool: EnginePool;
  private readonly askDuration: Histogram | undefined;
  private readonly open = new Set<OpenQuestion>();
  private isClosed = false;

  constructor({ objectStore, telemetry, config = {} }: DuckDbQueryEngineOptions) {
    this.objectStore = objectStore;
    this.config = { ...DUCKDB_QUERY_ENGINE_DEFAULTS, ...config };
    this.typedPool = new EnginePool('typed', this.config.typedProcesses, this.config);
    this.sqlPool = new EnginePool('sql', this.config.sqlProcesses, this.config);
    this.askDuration = telemetry?.histogram(
      'k2_query_engine_ask_ms',
      'From the question to its columns, or to its failure.',
      'ms',
    );
    telemetry?.gauge('k2_query_engine_questions', 'Questions running, waiting, and stalled beside those running.', () =>
      this.load(),
    );
    telemetry?.gauge('k2_query_engine_restarts', 'Engine processes replaced.', () => this.restarts());
    void engineConfinement().then(({ weakness }) => {
      if (weakness !== null) telemetry?.log('warn', weakness);
    });
  }

  /** Starts the engine processes. Optional: otherwise the first questions wait for them. */
  async warm(): Promise<void> {
    await Promise.all([this.typedPool.warm(), this.sqlPool.warm()]);
  }

  ask(question: Question, plans: readonly ScanPlan[], options: AskOptions): Promise<Answer> {
    return this.measured(question, options, (open) => open.answer(question, wavesOf(question, plans)));
  }

  sqlReads(sql: string, options: AskOptions): Promise<readonly SqlRead[]> {
    const question: Question = { kind: 'sql', sql, limit: 0 };
    return this.measured(question, options, (open) => open.reads(question));
  }

  exportParquet(
    question: Question,
    plans: readonly ScanPlan[],
    path: string,
    options: AskOptions,
  ): Promise<{ readonly rowCount: number }> {
    return this.measured(question, options, async (open) => {
      // A failed export leaves nothing: the file gets its name when it is whole.
      const partial = `${path}.partial`;
      try {
        const exported = await open.exported(question, relevantPlans(question, plans), partial);
        await rename(partial, path);
        return exported;
      } catch (error) {
        await open.closed;
        await rm(partial, { force: true });
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const open of this.open) open.fail(new PortError('unavailable', 'the query engine is closing'));
    await Promise.all([this.typedPool.close(), this.sqlPool.close()]);
  }

  private async measured<Result>(
    question: Question,
    options: AskOptions,
    ask: (open: OpenQuestion) => Promise<Result>,
  ): Promise<Result> {
    if (this.isClosed) throw new PortError('unavailable', 'the query engine is closed');
    const startedMs = performance.now();
    const { objectStore, config } = this;
    const pool = question.kind === 'sql' ? this.sqlPool : this.typedPool;
    const open = new OpenQuestion({ pool, objectStore, config }, new QuestionLimits(options));
    this.open.add(open);
    void open.closed.then(() => this.open.delete(open));
    let outcome = 'answered';
    try {
      return await ask(open);
    } catch (error) {
      outcome = isPortError(error) ? error.kind : 'unavailable';
      throw error;
    } finally {
      this.askDuration?.record(performance.now() - startedMs, { question: question.kind, outcome });
    }
  }

  private *load(): Iterable<readonly [number, Readonly<Record<string, string>>]> {
    for (const [pool, { running, waiting, stalled }] of this.pools()) {
      yield [running, { pool, state: 'running' }];
      yield [waiting, { pool, state: 'waiting' }];
      yield [stalled, { pool, state: 'stalled' }];
    }
  }

  private *restarts(): Iterable<readonly [number, Readonly<Record<string, string>>]> {
    for (const [pool, { restarts }] of this.pools()) yield [restarts, { pool }];
  }

  private pools(): readonly (readonly [string, EnginePool])[] {
    return [
      ['typed', this.typedPool],
      ['sql', this.sqlPool],
    ];
  }
}

/**
 * What is read one after the other until there are enough rows: ticks by files in the order of time, since the last
 * hundred of a year are an hour's work otherwise; anything else at once.
 */
function wavesOf(question: Question, plans: readonly ScanPlan[]): readonly (readonly ScanPlan[])[] {
  const relevant = relevantPlans(question, plans);
  if (question.kind !== 'ticks' || relevant.length !== 1) return [relevant];
  const [plan] = relevant;
  return scanWaves(plan.files, question.order).map((files) => [{ ...plan, files }]);
}

/** Only the scans that the question reads: the others' files need not be fetched. */
function relevantPlans(question: Question, plans: readonly ScanPlan[]): readonly ScanPlan[] {
  const ofTables = (...tables: readonly TableName[]) => plans.filter(({ table }) => tables.includes(table));
  switch (question.kind) {
    case 'ticks':
      return ofTables(`market_data.${question.recordType}`);
    case 'bars':
      return ofTables('market_data.trades');
    case 'symbols':
      return ofTables('market_data.trades', 'market_data.quotes');
    case 'audit':
      return ofTables('audit.sequence_gaps', 'audit.sessions', 'audit.quarantine');
    case 'sql':
      return plans;
  }
}
