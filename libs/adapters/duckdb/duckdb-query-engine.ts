import { rename, rm } from 'node:fs/promises';
import type { TableName } from '@k2/domain/market';
import {
  isPortError,
  PortError,
  type Answer,
  type AskOptions,
  type Histogram,
  type LocalFile,
  type ObjectStore,
  type QueryEngine,
  type Question,
  type ScanPlan,
  type Telemetry,
} from '@k2/ports';
import { AskedQuestion, QuestionLimits } from './asked-question.ts';
import { engineConfinement } from './engine-confinement.ts';
import { DUCKDB_QUERY_ENGINE_DEFAULTS, type DuckDbQueryEngineConfig } from './engine-config.ts';
import type { EngineTask, LocalScan } from './engine-messages.ts';
import { EnginePool, type EngineLease } from './engine-pool.ts';

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
  private readonly open = new Set<QuestionLimits>();
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
    telemetry?.gauge('k2_query_engine_questions', 'Questions running and waiting.', () => this.load());
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
    return this.measured(question, options, (limits) =>
      this.started({ question, plans, limits }, (asked) => asked.answer()),
    );
  }

  exportParquet(
    question: Question,
    plans: readonly ScanPlan[],
    path: string,
    options: AskOptions,
  ): Promise<{ readonly rowCount: number }> {
    return this.measured(question, options, (limits) =>
      this.started({ question, plans, limits, exportPath: `${path}.partial` }, (asked) => moved(asked, path)),
    );
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const limits of this.open) limits.abort(new PortError('unavailable', 'the query engine is closing'));
    await Promise.all([this.typedPool.close(), this.sqlPool.close()]);
  }

  private async measured<Result>(
    question: Question,
    options: AskOptions,
    ask: (limits: QuestionLimits) => Promise<Result>,
  ): Promise<Result> {
    if (this.isClosed) throw new PortError('unavailable', 'the query engine is closed');
    const startedMs = performance.now();
    let outcome = 'answered';
    const limits = new QuestionLimits(options);
    try {
      return await ask(limits);
    } catch (error) {
      limits.end();
      outcome = isPortError(error) ? error.kind : 'unavailable';
      throw error;
    } finally {
      this.askDuration?.record(performance.now() - startedMs, { question: question.kind, outcome });
    }
  }

  private async started<Result>(
    start: QuestionStart,
    read: (asked: AskedQuestion) => Promise<Result>,
  ): Promise<Result> {
    const { question, limits } = start;
    const lease = await (question.kind === 'sql' ? this.sqlPool : this.typedPool).lease(limits.signal);
    const files: LocalFile[] = [];
    let asked: AskedQuestion;
    try {
      const scans = await this.localScans(relevantPlans(question, start.plans), files, limits.signal);
      const task: EngineTask = {
        question,
        scans,
        ...(start.exportPath === undefined ? {} : { exportPath: start.exportPath }),
      };
      asked = new AskedQuestion(lease.process, task, limits, this.config.memoryBytesMax);
    } catch (error) {
      this.freed(limits, lease, files);
      throw error;
    }
    this.open.add(limits);
    void asked.settled.then(() => this.freed(limits, lease, files));
    return read(asked);
  }

  private freed(limits: QuestionLimits, lease: EngineLease, files: readonly LocalFile[]): void {
    this.open.delete(limits);
    for (const file of files) file.release();
    lease.release();
  }

  /** Acquires every planned file; `files` holds those acquired, also where this rejects. */
  private async localScans(
    plans: readonly ScanPlan[],
    files: LocalFile[],
    signal: AbortSignal,
  ): Promise<readonly LocalScan[]> {
    const keys = plans.flatMap(({ files: planned }) => planned.map(({ key }) => key));
    const paths = new Map<string, string>();
    for (let i = 0; i < keys.length; i += this.config.fileFetchesMax) {
      signal.throwIfAborted();
      const part = keys.slice(i, i + this.config.fileFetchesMax);
      const fetched = await Promise.allSettled(part.map((key) => this.objectStore.localFile(key)));
      fetched.forEach((result, at) => {
        if (result.status === 'rejected') return;
        files.push(result.value);
        paths.set(part[at], result.value.path);
      });
      const failed = fetched.findIndex(({ status }) => status === 'rejected');
      if (failed >= 0) throw unreadableFile(part[failed], fetched[failed]);
    }
    return plans.map(({ table, fields, files: planned }) => ({
      table,
      fields,
      paths: planned.map(({ key }) => paths.get(key)!),
    }));
  }

  private *load(): Iterable<readonly [number, Readonly<Record<string, string>>]> {
    for (const [pool, { running, waiting }] of this.pools()) {
      yield [running, { pool, state: 'running' }];
      yield [waiting, { pool, state: 'waiting' }];
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

/** A failed export leaves nothing: the file gets its name when it is whole. */
async function moved(asked: AskedQuestion, path: string): Promise<{ readonly rowCount: number }> {
  try {
    const exported = await asked.exported();
    await rename(`${path}.partial`, path);
    return exported;
  } catch (error) {
    void asked.settled.then(() => rm(`${path}.partial`, { force: true })).catch(() => {});
    throw error;
  }
}

interface QuestionStart {
  readonly question: Question;
  readonly plans: readonly ScanPlan[];
  readonly limits: QuestionLimits;
  readonly exportPath?: string;
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

function unreadableFile(key: string, result: PromiseSettledResult<LocalFile>): PortError {
  const cause: unknown = result.status === 'rejected' ? result.reason : undefined;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new PortError(
    'unavailable',
    `the planned file ${key} cannot be read: ${why}; plan again`,
    { key },
    { retryable: true, cause },
  );
}
