import type { Alteration } from '@k2/domain/lake';
import { alterationsAfter } from '../commit/custody.ts';
import { mergedAway, mergedManifests, type MergeLimits } from '../commit/merge-manifests.ts';
import { withSnapshot, type UndatedMetadata } from '../commit/next-metadata.ts';
import { parseProgress, printProgress, progressCarried } from '../commit/progress.ts';
import { PROGRESS_PROPERTY, snapshotSummary, type FilesChange } from '../commit/snapshot-summary.ts';
import type { DataFile } from '../format/manifest.ts';
import type { ManifestFile } from '../format/manifest-list.ts';
import { currentSnapshot, type TableMetadata } from '../format/metadata.ts';
import { alterationsOf } from '../read/alterations.ts';
import { rowCountIn } from '../read/content-difference.ts';
import type { TableFiles } from '../table-files.ts';
import type { Base } from './maintenance-commits.ts';

export interface SnapshotLimits extends MergeLimits {
  readonly metadataVersionsMax: number;
}

/** What a snapshot of maintenance is made of. */
export interface SnapshotContent {
  readonly snapshotId: bigint;
  readonly operation: 'replace' | 'delete';
  /** Newest first. */
  readonly manifests: readonly ManifestFile[];
  readonly added: FilesChange;
  readonly removed: FilesChange;
  readonly partitionCount: number;
  /** Rows that it takes out of the table. */
  readonly alterations?: readonly Omit<Alteration, 'committedUs'>[];
  /** More for its summary. */
  readonly details?: Readonly<Record<string, string>>;
}

/** The table with a snapshot of these manifests, whose summary carries the log's progress forward. */
export async function withContent(
  base: Base,
  { snapshotId, operation, manifests, details, alterations: own = [], ...change }: SnapshotContent,
  { files, limits }: { readonly files: TableFiles; readonly limits: SnapshotLimits },
): Promise<UndatedMetadata> {
  const { metadata } = base.table;
  const parent = currentSnapshot(metadata);
  const parentSnapshotId = parent?.['snapshot-id'] ?? null;
  const sequenceNumber = metadata['last-sequence-number'] + 1;
  const target = { snapshotId, sequenceNumber };
  const merged = await mergedManifests(manifests, metadata, target, files, limits);
  const known = await alterationsOf(metadata, parent, files);
  const progress = printProgress(progressCarried(base.progress, recordedProgress(metadata)));
  const snapshot = {
    'snapshot-id': snapshotId,
    ...(parentSnapshotId === null ? {} : { 'parent-snapshot-id': parentSnapshotId }),
    'sequence-number': sequenceNumber,
    'manifest-list': await files.writeManifestList(metadata, { ...target, parentSnapshotId }, merged),
    'schema-id': metadata['current-schema-id'],
    summary: { ...snapshotSummary(operation, parent, change, progress), ...details },
  };
  const unnamed = mergedAway(manifests, merged, snapshotId);
  const alterationsAt = (committedMs: number) =>
    alterationsAfter(
      known,
      own.map((one) => ({ ...one, committedUs: committedMs * 1_000 })),
    );
  const next = { snapshot, mergedAway: unnamed, alterationsAt, rowCount: rowCountIn(merged) };
  return (committedMs) => withSnapshot(base.table, next, committedMs, limits.metadataVersionsMax);
}

/** The newest that a snapshot says; those of other engines say nothing. */
function recordedProgress({ snapshots }: TableMetadata) {
  const recording = snapshots.findLast(({ summary }) => summary[PROGRESS_PROPERTY] !== undefined);
  return parseProgress(recording?.summary[PROGRESS_PROPERTY]);
}

export function filesChange(dataFiles: readonly DataFile[]): FilesChange {
  return {
    files: dataFiles.length,
    rows: dataFiles.reduce((sum, file) => sum + file.recordCount, 0),
    sizeBytes: dataFiles.reduce((sum, file) => sum + file.sizeBytes, 0),
  };
}
