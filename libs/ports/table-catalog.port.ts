import type { PortError } from './port-error.ts';
import type { TopicPartition } from './tick-log.port.ts';

/**
 * `commit-conflict`: a table's pointer is not the expected one, or the catalog has a commit at the change's time or after
 * it; re-base and try again. `fenced`: a later writer has claimed a partition. `progress-mismatch`: a partition's progress, or a
 * state, is not what the change expects; read it again.
 * `unknown-outcome`: the connection was lost while committing; ask `committed`. `unavailable`: nothing was done.
 * `disk-full`: nothing was done, and the same call succeeds once there is room.
 */
export type TableCatalogErrorKind =
  'commit-conflict' | 'fenced' | 'progress-mismatch' | 'unknown-outcome' | 'unavailable' | 'disk-full';
export type TableCatalogError = PortError<TableCatalogErrorKind>;

export interface PartitionProgress extends TopicPartition {
  readonly topicId: string;
  readonly nextOffset: number;
}

/** A writer's right to move the progress of a partition; a later claim ends it. */
export interface PartitionClaim extends PartitionProgress {
  readonly epoch: number;
}

export interface CatalogChange {
  /** Unique; asked for when the outcome is unknown. */
  readonly changeId: string;
  /**
   * The time that the change's tables carry as their own, UTC µs. Commit times rise in the order in which changes take
   * effect, whatever the tables and the writers' clocks: refused unless it is later than `lastCommitUs`.
   */
  readonly committedUs: number;
  /** Metadata pointers: expected (null: the table does not exist) → next. */
  readonly tables: readonly { readonly table: string; readonly expected: string | null; readonly next: string }[];
  /** Progress: the claim it rests on (topicId, nextOffset and epoch must still hold) → next offset. */
  readonly progress: readonly { readonly claim: PartitionClaim; readonly nextOffset: number }[];
  readonly state: ReadonlyMap<string, StateMove>;
}

/** A small value kept beside the progress, and the partition that it belongs to. */
export interface StoredState {
  readonly value: string;
  /** Null: it was stored before states had owners. */
  readonly owner: TopicPartition | null;
}

/**
 * A state moves with the progress of its owner, whose claim fences it. Where a series has come to another partition, that
 * one takes its state over, and the one before can no longer move it: of two that go on from the same state, one wins.
 */
export interface StateMove {
  /** Null removes it. */
  readonly value: string | null;
  /** From now on; one of the partitions whose progress the change moves. */
  readonly owner: TopicPartition;
  /** Before: none; the owner's already, as its writer left it; or another's, which must still be as it was read. */
  readonly was: 'absent' | 'own' | StoredState;
}

/** Which metadata file is each table's current one, and how far the log is in the tables: one database, one transaction. */
export interface TableCatalog {
  /** Every table's current metadata location, by name `namespace.table`. */
  tables(): Promise<ReadonlyMap<string, string>>;
  metadataLocation(table: string): Promise<string | null>;
  /** Time of the last change that took effect, UTC µs; null before the first. */
  lastCommitUs(): Promise<number | null>;
  /** All of it or nothing. */
  apply(change: CatalogChange): Promise<void>;
  /** Whether a change took effect. Answers for the last 1,000 changes of this catalog at least. */
  committed(changeId: string): Promise<boolean>;
  /** Raises the epoch of each partition. A partition never seen starts at offset 0 with the topic's id. */
  claim(
    writer: string,
    partitions: readonly (TopicPartition & { readonly topicId: string })[],
  ): Promise<readonly PartitionClaim[]>;
  progress(): Promise<readonly PartitionProgress[]>;
  state(keys: readonly string[]): Promise<ReadonlyMap<string, StoredState>>;
  close(): Promise<void>;
}
