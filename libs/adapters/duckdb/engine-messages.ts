import type { TableName } from '@k2/domain/market';
import type { AnswerBatch, AnswerColumn, Question, QueryEngineErrorKind, ScanField, SqlRead } from '@k2/ports';

/** What parent and engine process say to each other, by structured clone over the IPC channel. */

/** A planned scan whose files are at hand. */
export interface LocalScan {
  readonly table: TableName;
  readonly fields: readonly ScanField[];
  readonly paths: readonly string[];
}

export interface EngineTask {
  readonly question: Question;
  readonly scans: readonly LocalScan[];
  /** Absent: the rows are sent back. */
  readonly exportPath?: string;
  /** Of SQL: what it reads is all that is asked. */
  readonly asksReads?: true;
}

export type EngineRequest =
  | { readonly kind: 'run'; readonly id: number; readonly task: EngineTask }
  /** The reader has taken one batch: one more may be sent. */
  | { readonly kind: 'credit'; readonly id: number }
  /** End early; the reply is still the run's `done`. */
  | { readonly kind: 'stop'; readonly id: number };

export type EngineOutcome =
  | { readonly kind: 'ended' }
  | { readonly kind: 'exported'; readonly rowCount: number }
  | { readonly kind: 'reads'; readonly reads: readonly SqlRead[] }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly errorKind: QueryEngineErrorKind; readonly message: string };

/** `columns` comes with the first reply of a run that answers, `done` with the last: a small answer is one message. */
export interface EngineReply {
  readonly kind: 'reply';
  readonly id: number;
  readonly columns?: readonly AnswerColumn[];
  readonly batch?: AnswerBatch;
  readonly done?: EngineOutcome;
}

export type EngineMessage = { readonly kind: 'ready' } | EngineReply;

/** Batches sent and not yet taken by the reader: the bound of what either side holds of an answer. */
export const BATCHES_IN_FLIGHT_MAX = 3;

export type EngineMode = 'typed' | 'sql';

/** Command-line settings of an engine process, as JSON in its first argument. */
export interface EngineSettings {
  readonly mode: EngineMode;
  readonly threads: number;
  /** DuckDB's own, soft limit; the operating system's is above it. */
  readonly duckDbMemoryBytesMax: number;
}
