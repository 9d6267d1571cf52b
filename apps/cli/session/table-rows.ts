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
