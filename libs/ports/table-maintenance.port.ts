import type { SnapshotRetention } from '@k2/domain/lake';
import type { TableName } from '@k2/domain/market';
import type { PortError } from './port-error.ts';

/**
 * `unknown-table`: no such table. `commit-conflict`: other writers won every attempt; nothing was changed, run it again.
 * `unavailable`: catalog or objects out of reach. `cancelled`: the caller's signal; what was committed before stays.
 */
export type TableMaintenanceErrorKind = 'unknown-table' | 'commit-conflict' | 'unavailable' | 'cancelled';
export type TableMaintenanceError = PortError<TableMaintenanceErrorKind>;

export interface MaintenanceOptions {
  /** Only says what would be done. */
  readonly dryRun: boolean;
  readonly signal?: AbortSignal;
}

export interface CompactionOptions extends MaintenanceOptions {
  /** Size of a finished file; larger ones are left alone. */
  readonly fileBytesTarget: number;
  readonly zstdLevel: number;
  /** Files of one partition and of about one size before they are merged. */
  readonly filesMin: number;
  /** Partitions whose time ended before this are finished: their files are merged whatever their number and size. UTC µs. */
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
  readonly filesBefore: number;
  readonly filesAfter: number;
  readonly rows: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Whether files are left that another run would merge. */
  readonly isDone: boolean;
}

export interface ExpiryReport {
  readonly table: TableName;
  readonly dryRun: boolean;
  readonly snapshotsBefore: number;
  readonly expiredSnapshots: number;
  /** Data files, manifests, manifest lists and metadata files that no snapshot needs any more. */
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
  readonly droppedFiles: number;
  readonly droppedRows: number;
  readonly droppedBytes: number;
}

/**
 * Keeps tables fast and small, beside writers and readers. Every task may be repeated, stopped and run while others
 * commit: it changes no row, but for `dropBefore`, and every snapshot it makes carries the log offsets forward.
 */
export interface TableMaintenance {
  /** Merges small files of each partition into sorted ones. */
  compact(table: TableName, options: CompactionOptions): Promise<CompactionReport>;
  /** Gives up snapshots that the retention does not keep, then the files that only they needed. Never the current one. */
  expireSnapshots(table: TableName, retention: SnapshotRetention, options: MaintenanceOptions): Promise<ExpiryReport>;
  /** Deletes files under the table's location that no snapshot needs and that are older than the guard, UTC µs. */
  removeOrphans(
    table: TableName,
    options: MaintenanceOptions & { readonly olderThanUs: number },
  ): Promise<OrphanReport>;
  /** Writes the manifests anew, by partition, where there are many small ones. */
  rewriteManifests(table: TableName, options: MaintenanceOptions): Promise<ManifestReport>;
  /** Drops whole partitions whose time ended before this, UTC µs. */
  dropBefore(table: TableName, options: MaintenanceOptions & { readonly beforeUs: number }): Promise<RetentionReport>;
}
