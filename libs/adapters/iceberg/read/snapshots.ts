import { printTimeUs, type TableName } from '@k2/domain/market';
import { PortError, type AsOf, type TableSnapshot, type TableStats, type TickStoreError } from '@k2/ports';
import type { TableFiles } from '../table-files.ts';
import { alterationsOf } from './alterations.ts';
import { parseProgress } from '../commit/progress.ts';
import { PROGRESS_PROPERTY } from '../commit/snapshot-summary.ts';
import { currentUntilMs } from '../format/current-until.ts';
import { currentSnapshot, snapshotById, type Snapshot, type TableMetadata } from '../format/metadata.ts';

/** The snapshot meant; null where the table has none yet and the newest is asked for. */
export function snapshotAsOf(table: TableName, metadata: TableMetadata, asOf: AsOf): Snapshot | null {
  switch (asOf.kind) {
    case 'latest':
      return currentSnapshot(metadata);
    case 'snapshot':
      return snapshotById(metadata, asOf.snapshotId) ?? thrown(unknownSnapshot(table, asOf.snapshotId));
    case 'time':
      return snapshotAt(table, metadata, asOf.timeUs);
  }
}

/**
 * The snapshot that was current, or an error where that one was given up: an older one that is still there has not
 * all of its rows.
 */
function snapshotAt(table: TableName, metadata: TableMetadata, timeUs: number): Snapshot {
  // By the log of what was current when, which a rollback or another branch does not confuse.
  const entry = metadata['snapshot-log'].findLast((logged) => logged['timestamp-ms'] * 1_000 <= timeUs);
  if (entry !== undefined) {
    return snapshotById(metadata, entry['snapshot-id']) ?? thrown(expiredSnapshot(table, metadata, timeUs));
  }
  const older = metadata.snapshots.filter((snapshot) => currentUntilMs(snapshot) !== null);
  const current = older.find(
    (snapshot) => snapshot['timestamp-ms'] * 1_000 <= timeUs && timeUs < currentUntilMs(snapshot)! * 1_000,
  );
  if (current !== undefined) return current;
  throw isBeforeFirst(metadata, timeUs)
    ? noSnapshotBefore(table, metadata, timeUs)
    : expiredSnapshot(table, metadata, timeUs);
}

/** The first snapshot of a table is the one without a parent, as long as it is there. */
function isBeforeFirst({ snapshots }: TableMetadata, timeUs: number): boolean {
  const oldest = oldestFirst(snapshots)[0];
  if (oldest === undefined) return true;
  return oldest['parent-snapshot-id'] === undefined && timeUs < oldest['timestamp-ms'] * 1_000;
}

function oldestFirst(snapshots: readonly Snapshot[]): readonly Snapshot[] {
  return snapshots.toSorted((a, b) => a['sequence-number'] - b['sequence-number']);
}

function thrown(error: TickStoreError): never {
  throw error;
}

function unknownSnapshot(table: TableName, snapshotId: bigint): TickStoreError {
  return new PortError('unknown-snapshot', `${table} has no snapshot ${snapshotId}, or no longer: list its snapshots`, {
    table,
    snapshotId,
  });
}

function noSnapshotBefore(table: TableName, metadata: TableMetadata, timeUs: number): TickStoreError {
  const firstMs = oldestFirst(metadata.snapshots)[0]?.['timestamp-ms'];
  const firstUs = firstMs === undefined ? null : firstMs * 1_000;
  const first = firstUs === null ? 'it has none yet' : `its first was committed at ${printTimeUs(firstUs)}`;
  return new PortError('no-snapshot-before', `${table} had no snapshot at ${printTimeUs(timeUs)}: ${first}`, {
    table,
    timeUs,
    firstUs,
  });
}

/** Names the kept snapshots next to the time. */
function expiredSnapshot(table: TableName, metadata: TableMetadata, timeUs: number): TickStoreError {
  const times = oldestFirst(metadata.snapshots).map((snapshot) => snapshot['timestamp-ms'] * 1_000);
  const beforeUs = times.findLast((committedUs) => committedUs <= timeUs) ?? null;
  const afterUs = times.find((committedUs) => committedUs > timeUs) ?? null;
  const kept = [beforeUs, afterUs].filter((committedUs) => committedUs !== null).map(printTimeUs);
  return new PortError(
    'unknown-snapshot',
    `the snapshot of ${table} at ${printTimeUs(timeUs)} is no longer kept: the next ones are of ${kept.join(' and ')}`,
    { table, timeUs, beforeUs, afterUs },
  );
}

/** Newest first. */
export function tableSnapshots(
  table: TableName,
  metadata: TableMetadata,
  limit: number,
  files: TableFiles,
): Promise<readonly TableSnapshot[]> {
  const newest = oldestFirst(metadata.snapshots).toReversed().slice(0, limit);
  return Promise.all(
    newest.map(async (snapshot) => {
      const alterations = await alterationsOf(metadata, snapshot, files);
      return { ...tableSnapshot(table, metadata, snapshot), alterations };
    }),
  );
}

function tableSnapshot(
  table: TableName,
  metadata: TableMetadata,
  snapshot: Snapshot,
): Omit<TableSnapshot, 'alterations'> {
  const { summary } = snapshot;
  return {
    table,
    snapshotId: snapshot['snapshot-id'],
    parentSnapshotId: snapshot['parent-snapshot-id'] ?? null,
    dataSequenceNumber: snapshot['sequence-number'],
    committedUs: snapshot['timestamp-ms'] * 1_000,
    operation: summary.operation,
    addedRows: Number(summary['added-records'] ?? 0),
    totalRows: Number(summary['total-records'] ?? 0),
    totalFiles: Number(summary['total-data-files'] ?? 0),
    totalBytes: Number(summary['total-files-size'] ?? 0),
    isCurrent: snapshot['snapshot-id'] === metadata['current-snapshot-id'],
    progress: parseProgress(summary[PROGRESS_PROPERTY]).map(({ topic, partition, topicId, nextOffset }) => ({
      topic,
      partition,
      topicId,
      nextOffset,
    })),
  };
}

export function tableStats(table: TableName, metadata: TableMetadata): TableStats {
  const current = currentSnapshot(metadata);
  const total = (key: string) => Number(current?.summary[key] ?? 0);
  return {
    table,
    snapshotId: current?.['snapshot-id'] ?? null,
    committedUs: current === null ? null : current['timestamp-ms'] * 1_000,
    rowCount: total('total-records'),
    fileCount: total('total-data-files'),
    sizeBytes: total('total-files-size'),
    snapshotCount: metadata.snapshots.length,
  };
}
