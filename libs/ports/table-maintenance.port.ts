import type { SnapshotRetention } from '@k2/domain/lake';
import type { TableName } from '@k2/domain/market';
import type { PortError } from './port-error.ts';

/**
 * `unknown-table`: no such table. `not-allowed`: could lose rows, or the table forbids it; the message says what to do.
 * `disk-full`: nothing was done, and the same call succeeds once there is room.
 * `commit-conflict`: other writers won every attempt; nothing was changed, run it again. `unavailable`: catalog or
 * objects out of reach, or not readable. `damaged`: as of TickStore. `cancelled`: the caller's signal; what was committed before stays.
 */
export type TableMaintenanceErrorKind =
  'unknown-table' | 'not-allowed' | 'commit-conflict' | 'damaged' | 'unavailable' | 'disk-full' | 'cancelled';
export type TableMaintenanceError = PortError<TableMaintenanceErrorKind>;

export interface MaintenanceOptions {
  /** Only says what would be done: nothing is written, committed or deleted. */
  readonly dryRun: boolean;
  readonly signal?: AbortSignal;
  /** Called as the task goes on, if it knows beforehand how much there is to do. Must not throw. */
  readonly progress?: (progress: MaintenanceProgress) => void;
}

/** Of what one call is going to do, in files that it reads or deletes. */
export interface MaintenanceProgress {
  readonly doneFiles: number;
  readonly totalFiles: number;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface CompactionOptions extends MaintenanceOptions {
  /** Size of a merged file, about; sorted files of three quarters of it or more are left alone. */
  readonly fileBytesTarget: number;
  /** 1 to 22; applies to the merged files. */
  readonly zstdLevel: number;
  /** Files of one partition and of about one size before they are merged; at least 2. */
  readonly filesMin: number;
  /**
   * Partitions whose time ended before this, and to which nothing was added since, are finished: their files are merged
   * whatever their number and size. UTC µs.
   */
  readonly closedBeforeUs: number;
  /** A run stops before it would read more than this; the next one goes on. */
  readonly bytesMax: number;
}

export interface CompactionReport {
  readonly table: TableName;
  readonly dryRun: boolean;
  /** Sets of files that were each replaced in a commit of their own. */
  readonly groups: number;
  /** Groups that were given up because another writer had replaced their files meanwhile. */
  readonly abandonedGroups: number;
  /** Of the groups that were replaced, as the following numbers. */
  readonly filesBefore: number;
  readonly filesAfter: number;
  readonly rows: number;
  readonly bytesBefore: number;
  /** Not known before it is done: a dry run says `bytesBefore`. */
  readonly bytesAfter: number;
  /** False where the run stopped at `bytesMax`, or groups were abandoned: run it again. */
  readonly isDone: boolean;
}

export interface ExpiryReport {
  readonly table: TableName;
  readonly dryRun: boolean;
  readonly snapshotsBefore: number;
  readonly expiredSnapshots: number;
  /** Data files, manifests, manifest lists and statistics that no snapshot needs any more. */
  readonly deletedFiles: number;
  readonly deletedBytes: number;
}

export interface OrphanReport {
  readonly table: TableName;
  readonly dryRun: boolean;
  readonly deletedFiles: number;
  readonly deletedBytes: number;
  /** The first 1,000. */
  readonly keys: readonly string[];
  /** No snapshot needs them, but they are younger than the guard: perhaps of a commit under way. */
  readonly youngFiles: number;
}

export interface ManifestReport {
  readonly table: TableName;
  readonly dryRun: boolean;
  readonly manifestsBefore: number;
  readonly manifestsAfter: number;
}

export interface RetentionReport {
  readonly table: TableName;
  readonly dryRun: boolean;
  /** False: the table is not partitioned by time, so nothing of it can be dropped. */
  readonly hasTimePartitions: boolean;
  readonly droppedFiles: number;
  readonly droppedRows: number;
  readonly droppedBytes: number;
}

/**
 * The least age of an orphan. Writers give up what they staged long before (`unavailable`: stage it again), so a file this
 * old that no snapshot needs is of no commit under way.
 */
export const ORPHAN_AGE_MS_MIN = 3_600_000;

/**
 * Keeps tables fast and small, beside writers and readers. Every task may be repeated, stopped and run while others
 * commit: it changes no row, but for `dropBefore`, and every snapshot it makes carries the log offsets forward.
 */
export interface TableMaintenance {
  /** Merges small files of each partition into sorted ones. */
  compact(table: TableName, options: CompactionOptions): Promise<CompactionReport>;
  /**
   * Gives up snapshots that the retention does not keep, then deletes the files that only they needed. Kept whatever
   * the retention says: the current snapshot, those that were current until shortly before, so that whoever planned a
   * scan of the newest rows can finish it, those that branches and tags name, and those that were current when another
   * table's kept snapshot was committed, so that a kept instant is one of all tables.
   */
  expireSnapshots(table: TableName, retention: SnapshotRetention, options: MaintenanceOptions): Promise<ExpiryReport>;
  /**
   * Deletes files under the table's location that no snapshot needs, whoever made them, and that are older than the
   * guard, UTC µs. `not-allowed` where the guard is younger than `ORPHAN_AGE_MS_MIN`.
   */
  removeOrphans(
    table: TableName,
    options: MaintenanceOptions & { readonly olderThanUs: number },
  ): Promise<OrphanReport>;
  /** Writes the manifests anew, by partition, where there are many small ones. */
  rewriteManifests(table: TableName, options: MaintenanceOptions): Promise<ManifestReport>;
  /** Drops whole partitions whose time ended before this, UTC µs. Kept snapshots still have their rows. */
  dropBefore(table: TableName, options: MaintenanceOptions & { readonly beforeUs: number }): Promise<RetentionReport>;
}
