import type { Completeness, CoverageScope } from '@k2/domain/lake';
import type { RecordType } from '@k2/domain/market';
import type {
  Answer,
  AnswerBatch,
  AnswerColumn,
  AskOptions,
  AsOf,
  Clock,
  QueryEngine,
  Question,
  ScanPlan,
  TickFilter,
  TickStore,
} from '@k2/ports';
import { Coverage } from './coverage.ts';
import { plansAsOf } from './plans-as-of.ts';
import { asOfCursor, parseCursor, printCursor, questionDigest } from './tick-cursor.ts';
import { answerRow } from './answer-rows.ts';
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
  /** `asOfUs` of the page before, which wins over `asOf`. */
  readonly pageOfUs?: number;
  readonly intervalUs: number;
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
    return this.streamed(await this.prepareTicks(request), options);
  }

  /** One page of rows and the way to the next. */
  async page(request: TicksRequest, options: AskOptions): Promise<TicksPage> {
    const fields = request.fields ?? tickFields(request.recordType);
    const needed = [...fields, ...POSITION_FIELDS.filter((field) => !fields.includes(field))];
    const prepared = await this.prepareTicks({ ...request, fields: needed, limit: request.limit + 1 });
    const { answer: streamed, ...provenance } = await this.streamed(prepared, options);
    await using answer = streamed;
    const batches: AnswerBatch[] = [];
    for await (const batch of answer.batches) batches.push(batch);
    const rowCount = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
    const hasMore = rowCount > request.limit;
    return {
      columns: answer.columns.slice(0, fields.length),
      rowCount: Math.min(rowCount, request.limit),
      batches,
      nextCursor: hasMore ? cursorAfter(answer.columns, batches, request, prepared.asOfUs!) : null,
      ...provenance,
    };
  }

  /** Writes all rows up to the limit as one Parquet file. */
  async exportParquet(
    request: TicksRequest,
    path: string,
    options: AskOptions,
  ): Promise<Provenance & { readonly rowCount: number }> {
    const left = this.deadline(options);
    const prepared = await this.prepareTicks(request);
    const provenance = await this.provenance(prepared, left());
    const { rowCount } = await this.engine.exportParquet(prepared.question, [prepared.plan], path, left());
    return { rowCount, ...provenance };
  }

  /** Bars of trades, with the completeness of the trades that they are made of. */
  async bars({ filter, asOf, pageOfUs, intervalUs, limit }: BarsRequest, options: AskOptions): Promise<TicksStream> {
    const question: Question = { kind: 'bars', filter, intervalUs, limit };
    return this.streamed(await this.prepare(question, { recordType: 'trades', ...filter }, asOf, pageOfUs), options);
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
    const requests = [{ table: tableOf(recordType), ...filter }, ...this.coverage.requests(filter)];
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
  private async streamed(prepared: Prepared, options: AskOptions): Promise<TicksStream> {
    const left = this.deadline(options);
    const provenance = await this.provenance(prepared, left());
    return { answer: await this.engine.ask(prepared.question, [prepared.plan], left()), ...provenance };
  }

  /** One deadline for questions that are asked one after the other, from now on. */
  private deadline(options: AskOptions): () => AskOptions {
    const startUs = this.clock.monotonicUs();
    const { spentMs = 0 } = options;
    return () => ({ ...options, spentMs: spentMs + (this.clock.monotonicUs() - startUs) / 1_000 });
  }

  private async provenance(
    { scope, plan, gaps, sessions, asOfUs }: Prepared,
    options: AskOptions,
  ): Promise<Provenance> {
    const completeness = await this.coverage.judge(scope, { ticks: plan, gaps, sessions }, options);
    return { completeness, snapshotId: plan.snapshotId, committedUs: plan.committedUs, asOfUs };
  }
}

function cursorAfter(
  columns: readonly AnswerColumn[],
  batches: readonly AnswerBatch[],
  request: TicksRequest,
  asOfUs: number,
): string {
  let row = request.limit - 1;
  const batch = batches.find(({ rowCount }) => {
    if (row < rowCount) return true;
    row -= rowCount;
    return false;
  })!;
  const last = answerRow(columns, batch, row);
  const cursor = {
    asOfUs,
    after: {
      eventTimeUs: last['timestamp'] as number,
      exchange: last['exchange'] as string,
      symbol: last['symbol'] as string,
      session: last['session'] as string,
      venueSequence: last['source_sequence'] as number,
    },
  };
  return printCursor(cursor, digestOf(request));
}

function digestOf({ recordType, filter, order }: TicksRequest): string {
  const { exchange, symbols, fromUs, toUs } = filter;
  return questionDigest([recordType, exchange, symbols && [...symbols].sort(), fromUs, toUs, order]);
}
