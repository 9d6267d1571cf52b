import type { DuckDBConnection, DuckDBDataChunk, DuckDBPreparedStatement, DuckDBResult } from '@duckdb/node-api';
import type { AnswerBatch } from '@k2/ports';
import { answerBatch, batchBytes } from './answer-batch.ts';
import { distinctNames } from './column-names.ts';
import { readColumn, type ReadColumn } from './answer-types.ts';
import type { EngineDatabase } from './engine-database.ts';
import { BATCHES_IN_FLIGHT_MAX, type EngineOutcome, type EngineReply, type EngineTask } from './engine-messages.ts';
import { laidOutBatch, laidOutColumns, type AnswerLayout } from './message-ids.ts';
import { QuestionError } from './question-error.ts';
import type { Statement } from './statement.ts';

const BATCH_ROWS_MAX = 16_384;
/** What DuckDB computes at a time, and the least a batch may hold. */
const CHUNK_ROWS_MAX = 2_048;
/** Rows are put together up to about this size, judged by the batch before. */
const BATCH_BYTES_TARGET = 4_194_304;
/** A batch of the fewest rows that is larger still is refused: the reader has to hold a few of them. */
const BATCH_BYTES_MAX = 67_108_864;
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
    if (exportPath !== undefined) return this.export(database, statement, exportPath);
    const prepared = await database.prepared(statement);
    // A stop that came while it was prepared interrupted nothing.
    if (this.isStopped) return stopped();
    return this.answer(await this.start(prepared), statement.layout);
  }

  private start(prepared: DuckDBPreparedStatement): Promise<DuckDBResult> {
    const { question } = this.task;
    const isSmall = question.kind !== 'sql' && question.limit <= MATERIALIZED_ROWS_MAX;
    return isSmall ? prepared.run() : prepared.stream();
  }

  private async export(database: EngineDatabase, statement: Statement, path: string): Promise<RunEnd> {
    const { question } = this.task;
    const rows = question.kind === 'sql' ? await database.viewed(statement, question.limit) : statement;
    if (this.isStopped) return stopped();
    const { rowsChanged } = await database.exported(rows, path);
    return { outcome: { kind: 'exported', rowCount: rowsChanged }, last: {} };
  }

  private async answer(result: DuckDBResult, layout: AnswerLayout | undefined): Promise<RunEnd> {
    const names = distinctNames(result.columnNames());
    const columns = result.columnTypes().map((type, i) => readColumn(names[i], type));
    const answers = columns.map(({ answer }) => answer);
    let header: Partial<EngineReply> = { columns: layout === undefined ? answers : laidOutColumns(answers, layout) };
    const rows = { left: this.task.question.limit, inBatch: CHUNK_ROWS_MAX };
    for (;;) {
      const { chunks, isLast } = await this.fetch(result, rows);
      if (this.isStopped) return stopped();
      const batch = chunks.length === 0 ? null : boundedBatch(columns, chunks, layout);
      const last = batch === null ? header : { ...header, batch };
      if (isLast) return { outcome: { kind: 'ended' }, last };
      header = {};
      if (batch !== null) rows.inBatch = rowsOf(BATCH_BYTES_TARGET, batch);
      if (!(await this.takeCredit())) return stopped();
      this.reply({ kind: 'reply', id: this.id, ...last });
    }
  }

  /** Chunks of the next batch; `isLast` where the rows end with them. */
  private async fetch(
    result: DuckDBResult,
    rows: { left: number; readonly inBatch: number },
  ): Promise<{ readonly chunks: DuckDBDataChunk[]; readonly isLast: boolean }> {
    const chunks: DuckDBDataChunk[] = [];
    for (let fetched = 0; rows.left > 0 && fetched + CHUNK_ROWS_MAX <= rows.inBatch;) {
      const chunk = await result.fetchChunk();
      if (this.isStopped || chunk === null || chunk.rowCount === 0) return { chunks, isLast: true };
      if (chunk.rowCount > rows.left) chunk.rowCount = rows.left;
      chunks.push(chunk);
      fetched += chunk.rowCount;
      rows.left -= chunk.rowCount;
    }
    return { chunks, isLast: rows.left === 0 };
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

function rowsOf(bytes: number, batch: AnswerBatch): number {
  const rows = Math.floor((bytes * batch.rowCount) / (batchBytes(batch) + 1));
  return Math.min(BATCH_ROWS_MAX, Math.max(CHUNK_ROWS_MAX, rows));
}

function boundedBatch(
  columns: readonly ReadColumn[],
  chunks: readonly DuckDBDataChunk[],
  layout: AnswerLayout | undefined,
): AnswerBatch {
  const read = answerBatch(columns, chunks);
  const names = columns.map(({ answer }) => answer.name);
  const batch = layout === undefined ? read : laidOutBatch(read, names, layout);
  const bytes = batchBytes(batch);
  if (bytes <= BATCH_BYTES_MAX) return batch;
  const what = `${batch.rowCount} rows of the answer hold ${bytes} bytes, more than the ${BATCH_BYTES_MAX} sent at a time`;
  throw new QuestionError('out-of-memory', `${what}; select less of each`);
}
