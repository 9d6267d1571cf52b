import type { Alteration, QuarantineRecord, SequenceGapRecord, SessionRecord, TimeSpan } from '@k2/domain/lake';
import type { FieldType, PlacedBatch, RecordSchema, TableName } from '@k2/domain/market';
import type { PortError } from './port-error.ts';
import type { PartitionClaim, PartitionProgress, StateMove, StoredState } from './table-catalog.port.ts';
import type { TopicPartition } from './tick-log.port.ts';

/**
 * `fenced`: a later writer has claimed a partition; stop. `progress-mismatch`: the progress, or a state, is not what
 * the commit expects; read it again. `commit-conflict`: other writers won every attempt; retry later. `unknown-table`,
 * `unknown-snapshot`: no such thing (any more). `no-snapshot-before`: the time asked for lies before the first
 * snapshot. `invalid-schema-change`: not a change that old rows survive. `unwritable-rows`: the rows themselves cannot be
 * written, now or later. `damaged`: a file of the lake is missing or not what was written; `context.key` names it.
 * `unavailable`: catalog or objects out of reach.
 * `disk-full`: nothing was done, and the same call succeeds once there is room.
 */
export type TickStoreErrorKind =
  | 'fenced'
  | 'progress-mismatch'
  | 'commit-conflict'
  | 'unknown-table'
  | 'unknown-snapshot'
  | 'no-snapshot-before'
  | 'invalid-schema-change'
  | 'unwritable-rows'
  | 'damaged'
  | 'unavailable'
  | 'disk-full';
export type TickStoreError = PortError<TickStoreErrorKind>;

/** Rows of one commit, by table. */
export interface PlannedRows {
  /** Trades and quotes in any mixture, each in the order of the log. The store takes the columns' memory over. */
  readonly ticks: readonly PlacedBatch[];
  readonly gaps: readonly SequenceGapRecord[];
  readonly sessions: readonly SessionRecord[];
  readonly quarantine: readonly QuarantineRecord[];
}

/** Rows written but not visible. Opaque: only the store that made it can commit it. */
export interface StagedRows {
  readonly rowCount: number;
  readonly sizeBytes: number;
}

export interface ProgressChange {
  readonly partitions: readonly { readonly claim: PartitionClaim; readonly nextOffset: number }[];
  /** Sequencer states that changed, by key. */
  readonly state: ReadonlyMap<string, StateMove>;
}

export interface CommitReceipt {
  readonly rowCount: number;
  /** Snapshot of each table that got rows. */
  readonly snapshots: ReadonlyMap<TableName, bigint>;
  readonly committedUs: number;
  /** The claims that the next commit rests on. */
  readonly claims: readonly PartitionClaim[];
}

export interface TableSnapshot {
  readonly table: TableName;
  readonly snapshotId: bigint;
  readonly parentSnapshotId: bigint | null;
  readonly dataSequenceNumber: number;
  /** Equal for all tables of one commit, and rising from commit to commit. */
  readonly committedUs: number;
  readonly operation: string;
  readonly addedRows: number;
  readonly totalRows: number;
  readonly totalFiles: number;
  readonly totalBytes: number;
  readonly isCurrent: boolean;
  /** Log offsets that the table held up to, as of this snapshot. */
  readonly progress: readonly PartitionProgress[];
  /** Of the table's rows up to this snapshot, as `ScanPlan`. */
  readonly alterations: readonly Alteration[];
}

/** Newest snapshot, one by id, or the newest at a time (UTC µs): `unknown-snapshot` where that one was given up since. */
export type AsOf =
  | { readonly kind: 'latest' }
  | { readonly kind: 'snapshot'; readonly snapshotId: bigint }
  | { readonly kind: 'time'; readonly timeUs: number };

export interface ScanRequest {
  readonly table: TableName;
  readonly asOf: AsOf;
  readonly exchange?: string;
  readonly symbols?: readonly string[];
  /** Half-open `[fromUs, toUs)` on the table's partition time: `timestamp` of ticks. */
  readonly fromUs?: number;
  readonly toUs?: number;
}

export interface ScanFile {
  /** Key in the ObjectStore. */
  readonly key: string;
  readonly rowCount: number;
  readonly sizeBytes: number;
  /** Of `timestamp`; null where the table has none, or the file does not say. */
  readonly timeSpan: TimeSpan | null;
}

/** The files that can hold matching rows; the rows in them still need the filter. */
export interface ScanPlan {
  readonly table: TableName;
  /** Null: the table has no snapshot yet; `files` is then empty. */
  readonly snapshotId: bigint | null;
  readonly committedUs: number | null;
  /** Columns as of the snapshot, by field id: older files lack some and may call them otherwise. */
  readonly fields: readonly ScanField[];
  /**
   * Where the schema was changed since the snapshot was made: its own columns, by the same ids. What an engine sees that
   * reads the snapshot as a table and not file by file.
   */
  readonly snapshotFields?: readonly ScanField[];
  readonly files: readonly ScanFile[];
  /** Files of the snapshot before pruning. */
  readonly filesTotal: number;
  /** Of the table's rows up to this snapshot: rows dropped by retention, and what others than this store changed. */
  readonly alterations: readonly Alteration[];
}

export interface ScanField {
  readonly id: number;
  readonly name: string;
  readonly type: FieldType;
  readonly required: boolean;
}

export type SchemaChange =
  | { readonly kind: 'add'; readonly name: string; readonly type: FieldType; readonly doc?: string }
  | { readonly kind: 'rename'; readonly name: string; readonly to: string }
  /** int → long is the only widening among the field types. */
  | { readonly kind: 'widen'; readonly name: string; readonly to: FieldType };

export interface TableStats {
  readonly table: TableName;
  readonly snapshotId: bigint | null;
  readonly committedUs: number | null;
  readonly rowCount: number;
  readonly fileCount: number;
  readonly sizeBytes: number;
  readonly snapshotCount: number;
}

/** Tables of ticks and of what is known about their completeness, with time travel. */
export interface TickStore {
  /** Creates missing tables by the record schemas. */
  ensureTables(schemas: readonly RecordSchema[]): Promise<void>;
  /** Takes partitions over: any earlier writer of them is fenced from now on. */
  claim(
    writer: string,
    partitions: readonly (TopicPartition & { readonly topicId: string })[],
  ): Promise<readonly PartitionClaim[]>;
  progress(): Promise<readonly PartitionProgress[]>;
  /** Sequencer states by key, as of the committed progress. */
  state(keys: readonly string[]): Promise<ReadonlyMap<string, StoredState>>;
  /** Writes rows without making them visible. May run while an earlier stage is being committed. */
  stage(rows: PlannedRows): Promise<StagedRows>;
  /**
   * Makes staged rows visible and moves the progress, in all tables at once. Resolves unknown outcomes itself. Once `stop`
   * aborts, an attempt that fails is the last.
   */
  commit(staged: StagedRows, progress: ProgressChange, stop?: AbortSignal): Promise<CommitReceipt>;
  /** Gives staged rows up. */
  discard(staged: StagedRows): Promise<void>;
  /** Newest first. */
  snapshots(table: TableName, limit: number): Promise<readonly TableSnapshot[]>;
  plan(request: ScanRequest): Promise<ScanPlan>;
  stats(): Promise<readonly TableStats[]>;
  evolve(table: TableName, changes: readonly SchemaChange[]): Promise<void>;
  close(): Promise<void>;
}
