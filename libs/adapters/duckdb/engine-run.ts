import type { DuckDBConnection, DuckDBDataChunk, DuckDBPreparedStatement, DuckDBResult } from '@duckdb/node-api';
import { answerBatch } from './answer-batch.ts';
import { readColumn } from './answer-types.ts';
import type { EngineDatabase } from './engine-database.ts';
import { BATCHES_IN_FLIGHT_MAX, type EngineOutcome, type EngineReply, type EngineTask } from './engine-messages.ts';
import type { Statement } from './question-sql.ts';
import { quoteText } from './scan-sql.ts';

const BATCH_ROWS_MAX = 16_384;
/** Rows that are computed as a whole: one result is then quicker than a stream of it. */
const MATERIALIZED_ROWS_MAX = 16_384;

/** How a run ended, and what of its answer goes out with that. */
export interface RunEnd {
  readonly outcome: EngineOutcome;
  readonly last: Partial<EngineReply>;
}

/** One question, from SQL to the last batch. */
export class EngineRun {
  private readonly id: number;
  private readonly task: EngineTask;
  private readonly reply: (reply: EngineReply) => void;
  private credits = BATCHES_IN_FLIGHT_MAX;
  private isStopped = false;
  private connection: DuckDBConnection | null = null;
  private wake: () => void = () => {};

  constructor(id: number, task: EngineTask, reply: (reply: EngineReply) => void) {
    this.id = id;
    this.task = task;
    this.reply = reply;
  }

  credit(): void {
    this.credits++;
    this.wake();
  }

  stop(): void {
    this.isStopped = true;
    this.connection?.interrupt();
    this.wake();
  }

  /** Replies with columns and batches as credits allow; the outcome is left to the caller to send. */
  async run(database: EngineDatabase, statement: Statement): Promise<RunEnd> {
    if (this.isStopped) return stopped();
    const { connection } = database;
    this.connection = connection;
    const { exportPath } = this.task;
    if (exportPath !== undefined) return this.export(connection, statement, exportPath);
    const prepared = await database.prepared(statement);
    // A stop that came while it was prepared interrupted nothing.
    if (this.isStopped) return stopped();
    return this.answer(await this.start(prepared));
  }

  private start(prepared: DuckDBPreparedStatement): Promise<DuckDBResult> {
    const { question } = this.task;
    const isSmall = question.kind !== 'sql' && question.limit <= MATERIALIZED_ROWS_MAX;
    return isSmall ? prepared.run() : prepared.stream();
  }

  private async export(connection: DuckDBConnection, { sql, values }: Statement, path: string): Promise<RunEnd> {
    const { question } = this.task;
    const select = question.kind === 'sql' ? `SELECT * FROM (${sql}) LIMIT ${question.limit}` : sql;
    const copy = `COPY (${select}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`;
    const result = await connection.run(copy, [...values]);
    return { outcome: { kind: 'exported', rowCount: result.rowsChanged }, last: {} };
  }

  private async answer(result: DuckDBResult): Promise<RunEnd> {
    const names = result.deduplicatedColumnNames();
    const columns = result.columnTypes().map((type, i) => readColumn(names[i], type));
    let header: Partial<EngineReply> = { columns: columns.map(({ answer }) => answer) };
    let rowsLeft = this.task.question.limit;
    for (;;) {
      const chunks: DuckDBDataChunk[] = [];
      let rows = 0;
      let isLast = rowsLeft === 0;
      while (!isLast && rows < BATCH_ROWS_MAX - 2_048) {
        const chunk = await result.fetchChunk();
        if (this.isStopped) return stopped();
        if (chunk === null || chunk.rowCount === 0) {
          isLast = true;
        } else {
          if (chunk.rowCount > rowsLeft) chunk.rowCount = rowsLeft;
          chunks.push(chunk);
          rows += chunk.rowCount;
          rowsLeft -= chunk.rowCount;
          isLast = rowsLeft === 0;
        }
      }
      const last = { ...header, ...(rows > 0 ? { batch: answerBatch(columns, chunks) } : {}) };
      if (isLast) return { outcome: { kind: 'ended' }, last };
      header = {};
      if (!(await this.takeCredit())) return stopped();
      this.reply({ kind: 'reply', id: this.id, ...last });
    }
  }

  /** False where the run is stopped meanwhile. */
  private async takeCredit(): Promise<boolean> {
    while (this.credits === 0 && !this.isStopped) await new Promise<void>((resolve) => (this.wake = resolve));
    this.credits--;
    return !this.isStopped;
  }
}

function stopped(): RunEnd {
  return { outcome: { kind: 'stopped' }, last: {} };
}
