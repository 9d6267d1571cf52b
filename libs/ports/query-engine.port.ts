import type { Column, RecordType, TableName } from '@k2/domain/market';
import type { PortError } from './port-error.ts';
import type { ScanPlan } from './tick-store.port.ts';

/**
 * `invalid-query`: the SQL does not parse, bind or run; the message says where. `forbidden-query`: it is not one SELECT
 * over the permitted relations and functions. `timeout`: the deadline passed, `context.timeoutMs`, or the answer was not read. `out-of-memory`: the
 * memory cap was hit, `context.memoryBytesMax`. `overloaded`: running and waiting queries are at their bounds.
 * `damaged`: a planned file is missing or not what was written; `context.key` names it.
 * `unsupported`: this engine answers no such question. `cancelled`: the caller's signal. `unavailable`: the engine died; asking again starts a new one.
 */
export type QueryEngineErrorKind =
  | 'invalid-query'
  | 'forbidden-query'
  | 'unsupported'
  | 'timeout'
  | 'out-of-memory'
  | 'overloaded'
  | 'damaged'
  | 'cancelled'
  | 'unavailable';
export type QueryEngineError = PortError<QueryEngineErrorKind>;

/** Position of a row in the order of ticks: timestamp, exchange, symbol, session, source_sequence. */
export interface TickPosition {
  readonly eventTimeUs: number;
  readonly exchange: string;
  readonly symbol: string;
  readonly session: string;
  readonly venueSequence: number;
}

/** Position of a bar in the order of bars: bar_start, exchange, symbol. */
export interface BarPosition {
  readonly startUs: number;
  readonly exchange: string;
  readonly symbol: string;
}

export interface TickFilter {
  readonly exchange?: string;
  readonly symbols?: readonly string[];
  /** Half-open `[fromUs, toUs)`. */
  readonly fromUs?: number;
  readonly toUs?: number;
}

/** A table that SQL reads, and what it is certain to leave out: the same fields of a ScanRequest. */
export interface SqlRead extends Pick<TickFilter, 'exchange' | 'symbols' | 'fromUs' | 'toUs'> {
  readonly table: TableName;
}

export type Question =
  /** Ticks in their order, or newest first. `fields` are record fields or `message_id`; all where absent. */
  | {
      readonly kind: 'ticks';
      readonly recordType: RecordType;
      readonly filter: TickFilter;
      readonly fields?: readonly string[];
      readonly order: 'oldest-first' | 'newest-first';
      readonly after?: TickPosition;
      readonly limit: number;
    }
  /**
   * OHLCV and VWAP of trades, windows `[start, start + intervalUs)` aligned to 1970; empty windows are absent. `after`:
   * trades before its start are not read.
   */
  | {
      readonly kind: 'bars';
      readonly filter: TickFilter;
      readonly intervalUs: number;
      readonly after?: BarPosition;
      readonly limit: number;
    }
  /** Instruments with counts and first and last time, for each record type planned. */
  | { readonly kind: 'symbols'; readonly filter: TickFilter; readonly limit: number }
  /** Rows of one audit table. */
  | {
      readonly kind: 'audit';
      readonly filter: TickFilter & { readonly recordType?: RecordType };
      readonly limit: number;
    }
  /** One SELECT over `trades`, `quotes`, `sequence_gaps`, `sessions`, `quarantine` (also schema-qualified). */
  | { readonly kind: 'sql'; readonly sql: string; readonly limit: number };

export type AnswerType =
  | 'string'
  | 'integer'
  | 'timestamp'
  | 'decimal'
  | 'double'
  | 'boolean'
  | 'binary'
  | 'string-list'
  | 'string-map'
  /** Anything else that SQL can produce, as its JSON text. */
  | 'json';

export interface AnswerColumn {
  readonly name: string;
  readonly type: AnswerType;
  /** Of decimals: digits after the point. */
  readonly scale?: number;
  /** Of integers whose declared type holds more than int64: up to 2^64 - 1, or integers of 128 bits, signed or not. */
  readonly range?: 'uint64' | 'wide';
}

/** Lists and maps of strings may hold nulls. */
export type AnswerDictionaryValue =
  string | readonly (string | null)[] | Readonly<Record<string, string | null>> | null;

export type AnswerValues =
  | Exclude<Column, { readonly kind: 'dictionary' }>
  | {
      readonly kind: 'dictionary';
      readonly codes: Uint16Array | Uint8Array;
      readonly dictionary: readonly AnswerDictionaryValue[];
    }
  | { readonly kind: 'double'; readonly values: Float64Array }
  | { readonly kind: 'boolean'; readonly values: Uint8Array };

export interface AnswerBatch {
  readonly rowCount: number;
  readonly columns: readonly AnswerValues[];
  /** Per column: bit set (1) where the row is null; absent where no row is. One byte a row. */
  readonly nulls: readonly (Uint8Array | null)[];
}

export interface AnswerBatches {
  readonly columns: readonly AnswerColumn[];
  /**
   * In order, and iterated once; pulled, so a slow reader slows the engine. An engine may cut an answer that is not read
   * for long, as `timeout`.
   */
  readonly batches: AsyncIterable<AnswerBatch>;
}

/**
 * Holds the engine until its iteration has ended, early or not, or it is disposed of: to be done on every path, also if
 * nothing of it is read. `await using answer = await engine.ask(…)`.
 */
export interface Answer extends AnswerBatches, AsyncDisposable {}

export interface AskOptions {
  /** To the last batch, from the call, or from `spentMs` before it. */
  readonly timeoutMs: number;
  /** Of `timeoutMs`, what an answer of several questions has taken before this one. */
  readonly spentMs?: number;
  readonly signal?: AbortSignal;
}

/** Runs questions over planned scans, outside the caller's process. */
export interface QueryEngine {
  /** Rejects before the first row is known to be computable; later failures reject the iteration. */
  ask(question: Question, plans: readonly ScanPlan[], options: AskOptions): Promise<Answer>;
  /** What has to be planned for an `sql` question; rejects as `ask` would for SQL that it refuses unread. */
  sqlReads(sql: string, options: AskOptions): Promise<readonly SqlRead[]>;
  /** Writes the answer as one Parquet file at a local path; returns its row count. */
  exportParquet(
    question: Question,
    plans: readonly ScanPlan[],
    path: string,
    options: AskOptions,
  ): Promise<{ readonly rowCount: number }>;
  close(): Promise<void>;
}
