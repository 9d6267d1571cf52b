import type { Completeness, CoverageScope } from '@k2/domain/lake';
import type { RecordType } from '@k2/domain/market';
import type {
  Answer,
  AnswerBatch,
  AnswerColumn,
  AskOptions,
  AsOf,
  BarPosition,
  Clock,
  QueryEngine,
  Question,
  ScanPlan,
  TickFilter,
  TickPosition,
  TickStore,
} from '@k2/ports';
import { Coverage } from './coverage.ts';
import { oneDeadline, type TimeLeft } from './deadline.ts';
import { plansAsOf } from './plans-as-of.ts';
import { asOfCursor, parseCursor, printCursor, questionDigest } from './tick-cursor.ts';
import { answerRow, type AnswerRow } from './answer-rows.ts';
import { parseBarCursor, printBarCursor } from './bar-cursor.ts';
import { tableOf, tickFields } from './tick-fields.ts';

export interface TicksRequest {
  readonly recordType: RecordType;
  readonly filter: TickFilter;
  readonly asOf: AsOf;
  /** Record fields or `message_id`; all where absent. */
  readonly fields?: readonly string[];
  readonly order: 'oldest-first' | 'newest-first';
  /** `nextCursor` of the page before; its instant wins over `asOf`. */
  readonly cursor?: string;
  readonly limit: number;
}

/** What an answer about ticks is of, and how complete it is. */
export interface Provenance {
  readonly completeness: Completeness;
  /** Null: nothing was committed yet. */
  readonly snapshotId: bigint | null;
  readonly committedUs: number | null;
  /** The instant that rows and completeness are of. */
  readonly asOfUs: number | null;
}

export interface BarsRequest {
  readonly filter: TickFilter;
  readonly asOf: AsOf;
  readonly intervalUs: number;
  /** `nextCursor` of the page before; its instant wins over `asOf`. */
  readonly cursor?: string;
  readonly limit: number;
}

export interface TicksStream extends Provenance {
  /** The caller's, to dispose of. */
  readonly answer: Answer;
}

export interface TicksPage extends Provenance {
  readonly columns: readonly AnswerColumn[];
  readonly rowCount: number;
  /** Columns beyond `columns` and rows beyond `rowCount` are not of the page. */
  readonly batches: readonly AnswerBatch[];
  /** Null: this is the last page. */
  readonly nextCursor: string | null;
}

/** Fields that say where a row stands in the order of ticks. */
const POSITION_FIELDS = ['timestamp', 'exchange', 'symbol', 'session', 'source_sequence'];

/** A question with the plans that answer and judge it, all as of one instant. */
interface Prepared {
  readonly question: Question;
  readonly plan: ScanPlan;
  readonly gaps: ScanPlan;
  readonly sessions: ScanPlan;
  readonly scope: CoverageScope;
  readonly asOfUs: number | null;
}

/** Answers questions about ticks as of one instant, each answer with its completeness. */
export class AnswerTicks {
  private readonly store: TickStore;
  private readonly engine: QueryEngine;
  private readonly clock: Clock;
  private readonly coverage: Coverage;

  constructor(store: TickStore, engine: QueryEngine, clock: Clock) {
    this.store = store;
    this.engine = engine;
    this.clock = clock;
    this.coverage = new Coverage(engine);
  }

  /** All rows up to the limit, as they come. */
  async stream(request: TicksRequest, options: AskOptions): Promise<TicksStream> {
    const left = oneDeadline(this.clock, options);
    return this.streamed(await this.prepareTicks(request), left);
  }

  /** One page of rows and the way to the next. */
  async page(request: TicksRequest, options: AskOptions): Promise<TicksPage> {
    const fields = request.fields ?? tickFields(request.recordType);
    const left = oneDeadline(this.clock, options);
    const needed = [...fields, ...POSITION_FIELDS.filter((field) => !fields.includes(field))];
    const prepared = await this.prepareTicks({ ...request, fields: needed, limit: request.limit + 1 });
    const { columns, ...page } = await this.paged(prepared, request.limit, left, (last) =>
      printCursor({ asOfUs: prepared.asOfUs!, after: tickPosition(last) }, digestOf(request)),
    );
    return { columns: columns.slice(0, fields.length), ...page };
  }

  /** Writes all rows up to the limit as one Parquet file. */
  async exportParquet(
    request: TicksRequest,
    path: string,
    options: AskOptions,
  ): Promise<Provenance & { readonly rowCount: number }> {
    const left = oneDeadline(this.clock, options);
    const prepared = await this.prepareTicks(request);
    const provenance = await this.provenance(prepared, left());
    const { rowCount } = await this.engine.exportParquet(prepared.question, [prepared.plan], path, left());
    return { rowCount, ...provenance };
  }

  /** Bars of trades, with the completeness of the trades that they are made of. */
  async bars(request: BarsRequest, options: AskOptions): Promise<TicksStream> {
    const left = oneDeadline(this.clock, options);
    return this.streamed(await this.prepareBars(request), left);
  }

  /** One page of bars and the way to the next. */
  async barsPage(request: BarsRequest, options: AskOptions): Promise<TicksPage> {
    const left = oneDeadline(this.clock, options);
    const prepared = await this.prepareBars({ ...request, limit: request.limit + 1 });
    return this.paged(prepared, request.limit, left, (last) =>
      printBarCursor({ asOfUs: prepared.asOfUs!, after: barPosition(last) }, barsDigest(request)),
    );
  }

  private prepareBars(request: BarsRequest): Promise<Prepared> {
    const { filter, asOf, intervalUs, limit } = request;
    const cursor = request.cursor === undefined ? null : parseBarCursor(request.cursor, barsDigest(request));
    const question: Question = {
      kind: 'bars',
      filter,
      intervalUs,
      ...(cursor !== null && { after: cursor.after }),
      limit,
    };
    return this.prepare(question, { recordType: 'trades', ...filter }, asOf, cursor?.asOfUs);
  }

  private prepareTicks(request: TicksRequest): Promise<Prepared> {
    const { recordType, filter, fields, order, limit } = request;
    const cursor = request.cursor === undefined ? null : parseCursor(request.cursor, digestOf(request));
    const question: Question = {
      kind: 'ticks',
      recordType,
      filter,
      ...(fields !== undefined && { fields }),
      order,
      ...(cursor !== null && { after: cursor.after }),
      limit,
    };
    return this.prepare(question, { recordType, ...filter }, request.asOf, cursor?.asOfUs);
  }

  private async prepare(question: Question, scope: CoverageScope, asOf: AsOf, pageOfUs?: number): Promise<Prepared> {
    const { recordType, ...filter } = scope;
    const requests = [
      { table: tableOf(recordType), ...filterFrom(question, filter) },
      ...this.coverage.requests(filter),
    ];
    const { plans, asOfUs } =
      pageOfUs === undefined
        ? await plansAsOf(this.store, requests, asOf)
        : await asOfCursor(pageOfUs, plansAsOf(this.store, requests, { kind: 'time', timeUs: pageOfUs }));
    const [plan, gaps, sessions] = plans;
    return { question, plan, gaps, sessions, scope, asOfUs };
  }

  /**
   * Judged first: an answer holds a part of the engine until it is read, and the judgement must neither wait for that nor
   * fail beside it.
   */
  private async streamed(prepared: Prepared, left: TimeLeft): Promise<TicksStream> {
    const provenance = await this.provenance(prepared, left());
    return { answer: await this.engine.ask(prepared.question, [prepared.plan], left()), ...provenance };
  }

  /** Rows up to the limit of a question that asks for one more. `cursorAfter`: of the last row, where there are more. */
  private async paged(
    prepared: Prepared,
    limit: number,
    left: TimeLeft,
    cursorAfter: (last: AnswerRow) => string,
  ): Promise<TicksPage> {
    const { answer: streamed, ...provenance } = await this.streamed(prepared, left);
    await using answer = streamed;
    const batches: AnswerBatch[] = [];
    for await (const batch of answer.batches) batches.push(batch);
    const rowCount = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
    return {
      columns: answer.columns,
      rowCount: Math.min(rowCount, limit),
      batches,
      nextCursor: rowCount > limit ? cursorAfter(rowAt(answer.columns, batches, limit - 1)) : null,
      ...provenance,
    };
  }

  private async provenance(
    { scope, plan, gaps, sessions, asOfUs }: Prepared,
    options: AskOptions,
  ): Promise<Provenance> {
    const completeness = await this.coverage.judge(scope, { ticks: plan, gaps, sessions }, options);
    return { completeness, snapshotId: plan.snapshotId, committedUs: plan.committedUs, asOfUs };
  }
}

/** The filter of what is left to read after a cursor's position: files before it need not be planned. */
function filterFrom(question: Question, filter: TickFilter): TickFilter {
  if (question.kind === 'bars' && question.after !== undefined)
    return { ...filter, fromUs: Math.max(question.after.startUs, filter.fromUs ?? question.after.startUs) };
  if (question.kind !== 'ticks' || question.after === undefined) return filter;
  const { eventTimeUs } = question.after;
  return question.order === 'oldest-first'
    ? { ...filter, fromUs: Math.max(eventTimeUs, filter.fromUs ?? eventTimeUs) }
    : { ...filter, toUs: Math.min(eventTimeUs + 1, filter.toUs ?? eventTimeUs + 1) };
}

function rowAt(columns: readonly AnswerColumn[], batches: readonly AnswerBatch[], at: number): AnswerRow {
  let row = at;
  const batch = batches.find(({ rowCount }) => {
    if (row < rowCount) return true;
    row -= rowCount;
    return false;
  })!;
  return answerRow(columns, batch, row);
}

function tickPosition(row: AnswerRow): TickPosition {
  return {
    eventTimeUs: row['timestamp'] as number,
    exchange: row['exchange'] as string,
    symbol: row['symbol'] as string,
    session: row['session'] as string,
    venueSequence: row['source_sequence'] as number,
  };
}

function barPosition(row: AnswerRow): BarPosition {
  return {
    startUs: row['bar_start'] as number,
    exchange: row['exchange'] as string,
    symbol: row['symbol'] as string,
  };
}

function digestOf({ recordType, filter, order }: TicksRequest): string {
  const { exchange, symbols, fromUs, toUs } = filter;
  return questionDigest([recordType, exchange, symbols && [...symbols].sort(), fromUs, toUs, order]);
}

function barsDigest({ filter, intervalUs }: BarsRequest): string {
  const { exchange, symbols, fromUs, toUs } = filter;
  return questionDigest(['bars', exchange, symbols && [...symbols].sort(), fromUs, toUs, intervalUs]);
}
