import type { AlterationJson } from '@k2/domain/lake';
import type { RecordType, TableName } from '@k2/domain/market';
import type { AsOf, TickFilter } from '@k2/ports';
import type { LoadComparison, MaintenanceReport, MaintenanceRunProgress, MaintenanceWork } from '@k2/usecases';

/** What JSON can say. Decimals are exact strings, times ISO 8601 in UTC, integers beyond 2^53 strings. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonRow = Readonly<Record<string, JsonValue>>;

/** How complete an answer is, as the API says it: times are ISO 8601. Of many gaps only the first are listed. */
export type CompletenessJson =
  | { readonly status: 'complete' }
  | { readonly status: 'unverifiable'; readonly reason: string }
  | ({ readonly status: 'gaps' } & KnownGapsJson)
  | ({
      readonly status: 'removed';
      readonly removedRows: number;
      readonly removals: readonly AlterationJson[];
    } & KnownGapsJson);

export interface KnownGapsJson {
  readonly gapCount: number;
  readonly missingTicks: number;
  readonly gaps: readonly GapJson[];
}

export interface GapJson {
  readonly exchange: string;
  readonly symbol: string;
  readonly session: string;
  readonly sequenceFrom: number;
  readonly sequenceTo: number;
  readonly fromTime: string;
  readonly toTime: string;
}

/** Which snapshot an answer is of, and how complete it is. */
export interface AnswerProvenance {
  readonly completeness: CompletenessJson;
  /** Null: nothing was committed yet. */
  readonly snapshotId: string | null;
}

export interface RowStream {
  /** Null: the question is not one about ticks. */
  readonly provenance: AnswerProvenance | null;
  /** In order; pulled, so a slow reader slows the answer. Ending the iteration early ends the question. */
  readonly batches: AsyncIterable<readonly JsonRow[]>;
}

export interface TicksQuestion {
  readonly recordType: RecordType;
  readonly filter: TickFilter;
  readonly asOf: AsOf;
  /** All where absent. */
  readonly fields?: readonly string[];
  readonly order: 'oldest-first' | 'newest-first';
  readonly limit: number;
}

export interface BarsQuestion {
  readonly filter: TickFilter;
  readonly asOf: AsOf;
  readonly intervalUs: number;
  readonly limit: number;
}

export interface GapsQuestion {
  readonly recordType?: RecordType;
  readonly filter: Pick<TickFilter, 'exchange' | 'symbols'>;
  readonly limit: number;
}

export interface SnapshotsQuestion {
  readonly table: TableName;
  readonly limit: number;
}

export interface LoadProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Rows that the log has acknowledged. */
  readonly rows: number;
  /** The feed that the server loads before this one; absent once it is this one's turn. */
  readonly ahead?: string;
}

/** What became of a load's rows. rows = kept + duplicates + quarantined + comparison.notTakenRows where `committed`. */
export interface LoadSummary {
  readonly feed: string;
  /** Rows of the source, refused ones included. */
  readonly rows: number;
  /** False: it was stopped before everything was committed. */
  readonly committed: boolean;
  /** New in the lake, by table. */
  readonly kept: { readonly trades: number; readonly quotes: number };
  /** Already there. */
  readonly duplicates: number;
  /** New in the quarantine. */
  readonly quarantined: number;
  /** Log records that an earlier run had left and that were committed before this load; absent where none is known. */
  readonly earlierRecords?: number;
  /** Other feeds or processes wrote beside this load: some of the new rows may be theirs. */
  readonly othersWrote: boolean;
  /** Why, most frequent first. */
  readonly refusals: readonly Refusal[];
  /** What lies beside the files and was not read. */
  readonly unread: UnreadFiles;
  /** Sessions of the files beside what the lake had of them. */
  readonly comparison: LoadComparison;
}

export interface UnreadFiles {
  readonly count: number;
  /** The first of them, as `trades/1.csv.gz`. */
  readonly names: readonly string[];
}

export interface Refusal {
  readonly reason: string;
  readonly count: number;
  /** The first few, as `file:line`. */
  readonly places: readonly string[];
}

/** A K2 to ask and to load into: a running server, or a data directory that nobody serves. */
export interface K2Session {
  /** For messages: `the server at http://…`, `the directory …`. */
  readonly where: string;
  ticks(question: TicksQuestion): Promise<RowStream>;
  bars(question: BarsQuestion): Promise<RowStream>;
  symbols(filter: TickFilter, limit: number): Promise<RowStream>;
  /** As of now where no instant is given. */
  query(sql: string, limit: number, asOf?: AsOf): Promise<RowStream>;
  /** Open ranges of the gap ledger. */
  gaps(question: GapsQuestion): Promise<RowStream>;
  /** Newest first. */
  snapshots(question: SnapshotsQuestion): Promise<RowStream>;
  /** One row a table. */
  stats(): Promise<RowStream>;
  /**
   * Data files whose names tell no digest, by table. A server tells what its maintenance found last; of other tables, and
   * where it does none, nothing.
   */
  uncheckedFiles(): Promise<ReadonlyMap<string, number>>;
  /** A report of each task on each table that had something to do, as it is done. Ends early at Ctrl-C, in the server too. */
  maintain(
    work: MaintenanceWork,
    progress: (progress: MaintenanceRunProgress) => void,
  ): AsyncIterable<MaintenanceReport>;
  load(feed: string, progress: (progress: LoadProgress) => void): Promise<LoadSummary>;
  close(): Promise<void>;
}

/** All rows of a small answer. */
export async function collectRows({ batches }: RowStream): Promise<readonly JsonRow[]> {
  const rows: JsonRow[] = [];
  for await (const batch of batches) for (const row of batch) rows.push(row);
  return rows;
}

/** Rows that are at hand already, as an answer. */
export function listed(rows: readonly JsonRow[]): RowStream {
  return { provenance: null, batches: once(rows) };
}

async function* once<Value>(value: Value): AsyncGenerator<Value> {
  yield value;
}
