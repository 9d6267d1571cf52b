import type { AlterationJson } from '@k2/domain/lake';
import type { JsonRow, JsonValue } from './session.ts';

/** A snapshot as the API lists it. */
export interface SnapshotJson {
  readonly table: string;
  readonly snapshotId: string;
  readonly parentSnapshotId: string | null;
  readonly committedTime: string;
  readonly operation: string;
  readonly addedRows: number;
  readonly totalRows: number;
  readonly totalFiles: number;
  readonly totalBytes: number;
  readonly isCurrent: boolean;
  readonly dataSequenceNumber: number;
  readonly progress: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly topicId: string;
    readonly nextOffset: number;
  }[];
  readonly alterations: readonly AlterationJson[];
}

export function snapshotRow(snapshot: SnapshotJson): JsonRow {
  return {
    table: snapshot.table,
    snapshot_id: snapshot.snapshotId,
    committed_at: snapshot.committedTime,
    operation: snapshot.operation,
    added_rows: snapshot.addedRows,
    total_rows: snapshot.totalRows,
    total_files: snapshot.totalFiles,
    total_bytes: snapshot.totalBytes,
    is_current: snapshot.isCurrent,
    data_sequence_number: snapshot.dataSequenceNumber,
    parent_snapshot_id: snapshot.parentSnapshotId,
    progress: snapshot.progress.map(({ topic, partition, topicId, nextOffset }): JsonValue => {
      return { topic, partition, topic_id: topicId, next_offset: nextOffset };
    }),
    alterations: snapshot.alterations.map(alterationRow),
  };
}

/** What changed the table's rows up to the snapshot, other than recording. */
function alterationRow(alteration: AlterationJson): JsonRow {
  return {
    cause: alteration.cause,
    exchange: alteration.exchange,
    timestamp_from: alteration.fromTime,
    timestamp_to: alteration.toTime,
    removed_rows: alteration.removedRows,
    added_rows: alteration.addedRows,
    snapshot_id: alteration.snapshotId,
    committed_at: alteration.committedTime,
    operation: alteration.operation,
  };
}

/** How much a table holds, as the API says it. */
export interface TableStatsJson {
  readonly table: string;
  readonly rowCount: number;
  readonly fileCount: number;
  readonly sizeBytes: number;
  readonly snapshotCount: number;
  readonly snapshotId: string | null;
  readonly committedTime: string | null;
}

export function tableStatsRow(stats: TableStatsJson): JsonRow {
  return {
    table: stats.table,
    rows: stats.rowCount,
    files: stats.fileCount,
    bytes: stats.sizeBytes,
    snapshots: stats.snapshotCount,
    snapshot_id: stats.snapshotId,
    committed_at: stats.committedTime,
  };
}
