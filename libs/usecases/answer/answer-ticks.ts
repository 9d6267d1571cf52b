import type { Completeness } from '@k2/domain/lake';
import { recordSchema, type RecordType, type TableName } from '@k2/domain/market';
import type {
  Answer,
  AnswerColumn,
  AskOptions,
  AsOf,
  QueryEngine,
  Question,
  ScanPlan,
  TickFilter,
  TickStore,
} from '@k2/ports';
import { Coverage } from './coverage.ts';
import { parseCursor, printCursor } from './tick-cursor.ts';
import { answerRow, type AnswerRow } from './answer-rows.ts';

export interface TicksRequest {
  readonly recordType: RecordType;
  readonly filter: TickFilter;
  readonly asOf: AsOf;
  /** Record fields or `message_id`; all where absent. */
  readonly fields?: readonly string[];
  readonly order: 'oldest-first' | 'newest-first';
  /** `nextCursor` of the page before; its snapshot wins over `asOf`. */
  readonly cursor?: string;
  readonly limit: number;
}

/** What an answer about ticks is of, and how complete it is. */
export interface Provenance {
  readonly completeness: Completeness;
  /** Null: nothing was committed yet. */
  readonly snapshotId: bigint | null;
  readonly committedUs: number | null;
}

export interface TicksStream extends Provenance {
  readonly answer: Answer;
}

export interface TicksPage extends Provenance {
  readonly columns: readonly AnswerColumn[];
  readonly rows: readonly AnswerRow[];
  /** Null: this is the last page. */
  readonly nextCursor: string | null;
}

/** Fields that say where a row stands in the order of ticks. */
const POSITION_FIELDS = ['timestamp', 'exchange', 'symbol', 'session', 'source_sequence'];

/** Fields that an answer about ticks can have, in order. */
export function tickFields(recordType: RecordType): readonly string[] {
  return ['message_id', ...recordSchema(tableOf(recordType)).fields.map(({ name }) => name)];
}

/** Answers questions about ticks from one snapshot, each answer with its completeness. */
export class AnswerTicks {
  private readonly store: TickStore;
  private readonly engine: QueryEngine;
  private readonly coverage: Coverage;

  constructor(store: TickStore, engine: QueryEngine) {
    this.store = store;
    this.engine = engine;
    this.coverage = new Coverage(store, engine);
  }

  /** All rows up to the limit, as they come. */
  async stream(request: TicksRequest, options: AskOptions): Promise<TicksStream> {
    const { plan, question } = await this.prepare(request);
    const [answer, provenance] = await Promise.all([
      this.engine.ask(question, [plan], options),
      this.provenance(request, plan, options),
    ]);
    return { answer, ...provenance };
  }

  /** One page of rows and the way to the next. */
  async page(request: TicksRequest, options: AskOptions): Promise<TicksPage> {
    const fields = request.fields ?? tickFields(request.recordType);
    const needed = [...fields, ...POSITION_FIELDS.filter((field) => !fields.includes(field))];
    const { plan, question } = await this.prepare({ ...request, fields: needed, limit: request.limit + 1 });
    const [{ columns, rows }, provenance] = await Promise.all([
      this.collect(question, plan, options),
      this.provenance(request, plan, options),
    ]);
    const hasMore = rows.length > request.limit;
    const nextCursor = hasMore ? cursorAfter(rows[request.limit - 1], plan.snapshotId!) : null;
    const page = hasMore ? rows.slice(0, request.limit) : rows;
    return {
      columns: columns.slice(0, fields.length),
      rows: needed.length === fields.length ? page : page.map((row) => pick(row, fields)),
      nextCursor,
      ...provenance,
    };
  }

  /** Writes all rows up to the limit as one Parquet file. */
  async exportParquet(
    request: TicksRequest,
    path: string,
    options: AskOptions,
  ): Promise<Provenance & { readonly rowCount: number }> {
    const { plan, question } = await this.prepare(request);
    const [{ rowCount }, provenance] = await Promise.all([
      this.engine.exportParquet(question, [plan], path, options),
      this.provenance(request, plan, options),
    ]);
    return { rowCount, ...provenance };
  }

  /** Bars of trades, with the completeness of the trades that they are made of. */
  async bars(
    request: { readonly filter: TickFilter; readonly asOf: AsOf; readonly intervalUs: number; readonly limit: number },
    options: AskOptions,
  ): Promise<TicksStream> {
    const { filter, asOf, intervalUs, limit } = request;
    const plan = await this.store.plan({ table: 'market_data.trades', asOf, ...filter });
    const [answer, provenance] = await Promise.all([
      this.engine.ask({ kind: 'bars', filter, intervalUs, limit }, [plan], options),
      this.provenance({ recordType: 'trades', filter }, plan, options),
    ]);
    return { answer, ...provenance };
  }

  private async prepare(request: TicksRequest): Promise<{ plan: ScanPlan; question: Question }> {
    const { recordType, filter, fields, order, limit } = request;
    const cursor = request.cursor === undefined ? null : parseCursor(request.cursor);
    const asOf: AsOf = cursor === null ? request.asOf : { kind: 'snapshot', snapshotId: cursor.snapshotId };
    const plan = await this.store.plan({ table: tableOf(recordType), asOf, ...filter });
    const question: Question = {
      kind: 'ticks',
      recordType,
      filter,
      ...(fields !== undefined && { fields }),
      order,
      ...(cursor !== null && { after: cursor.after }),
      limit,
    };
    return { plan, question };
  }

  private async collect(question: Question, plan: ScanPlan, options: AskOptions) {
    const { columns, batches } = await this.engine.ask(question, [plan], options);
    const rows: AnswerRow[] = [];
    for await (const batch of batches) {
      for (let row = 0; row < batch.rowCount; row++) rows.push(answerRow(columns, batch, row));
    }
    return { columns, rows };
  }

  private async provenance(
    { recordType, filter }: Pick<TicksRequest, 'recordType' | 'filter'>,
    { snapshotId, committedUs }: ScanPlan,
    options: AskOptions,
  ): Promise<Provenance> {
    const completeness = await this.coverage.judge({ recordType, ...filter }, committedUs, options);
    return { completeness, snapshotId, committedUs };
  }
}

function tableOf(recordType: RecordType): TableName {
  return recordType === 'trades' ? 'market_data.trades' : 'market_data.quotes';
}

function cursorAfter(row: AnswerRow, snapshotId: bigint): string {
  return printCursor({
    snapshotId,
    after: {
      eventTimeUs: row['timestamp'] as number,
      exchange: row['exchange'] as string,
      symbol: row['symbol'] as string,
      session: row['session'] as string,
      venueSequence: row['source_sequence'] as number,
    },
  });
}

function pick(row: AnswerRow, fields: readonly string[]): AnswerRow {
  return Object.fromEntries(fields.map((field) => [field, row[field]]));
}
