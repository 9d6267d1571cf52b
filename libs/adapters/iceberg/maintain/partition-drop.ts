import type { TableName } from '@k2/domain/market';
import type { Random, RetentionReport } from '@k2/ports';
import { currentSchema, currentSnapshot, specById, type TableMetadata } from '../format/metadata.ts';
import { partitionTypes, type DataFile } from '../format/manifest.ts';
import { summaryRange, type ManifestFile } from '../format/manifest-list.ts';
import type { TableFiles } from '../table-files.ts';
import { byPartition, type SpecFile } from '../read/content-difference.ts';
import { throwIfCancelled } from './cancelled.ts';
import { filesChange, withContent, type SnapshotLimits } from './changed-snapshot.ts';
import { liveFiles, partitionKey } from './live-files.ts';
import type { Base, Change, MaintenanceCommits } from './maintenance-commits.ts';
import { hasTimePartitions, partitionEndUs } from '../format/partition-times.ts';
import { RemovedFiles } from './removed-files.ts';

export interface PartitionDropParts {
  readonly random: Random;
  readonly files: TableFiles;
  readonly commits: MaintenanceCommits;
}

/** Commits a `delete` snapshot without the files of partitions whose time ended before this. No data file is touched. */
export async function dropPartitions(
  parts: PartitionDropParts,
  limits: SnapshotLimits,
  table: TableName,
  { dryRun, signal, beforeUs }: { readonly dryRun: boolean; readonly signal: AbortSignal; readonly beforeUs: number },
): Promise<RetentionReport> {
  const { files, commits } = parts;
  const { metadata } = (await commits.base(table)).table;
  const expected = await liveFiles(metadata, currentSnapshot(metadata), files);
  const ended = expected.filter(({ file, specId }) => hasEnded(metadata, file, specId, beforeUs));
  let dropped: readonly SpecFile[] = ended;
  if (!dryRun && dropped.length > 0) {
    throwIfCancelled(signal);
    dropped = (await commits.land(table, dropsBefore(parts, limits, beforeUs))) ?? [];
  }
  const {
    files: droppedFiles,
    rows: droppedRows,
    sizeBytes: droppedBytes,
  } = filesChange(dropped.map(({ file }) => file));
  return {
    table,
    dryRun,
    hasTimePartitions: metadata['partition-specs'].some(hasTimePartitions),
    droppedFiles,
    droppedRows,
    droppedBytes,
  };
}

function dropsBefore(
  { random, files }: PartitionDropParts,
  limits: SnapshotLimits,
  beforeUs: number,
): (base: Base) => Promise<Change<readonly SpecFile[]> | null> {
  const snapshotId = random.int63();
  return async (base) => {
    const { metadata } = base.table;
    const removal = {
      snapshotId,
      isRemoved: (file: DataFile, specId: number) => hasEnded(metadata, file, specId, beforeUs),
      mayBeIn: (manifest: ManifestFile) => earliestEndUs(metadata, manifest) <= beforeUs,
    };
    const sequenceNumber = metadata['last-sequence-number'] + 1;
    const { manifests, removed } = await new RemovedFiles(removal, files).takenFrom(metadata, sequenceNumber);
    if (removed.length === 0) return null;
    const content = {
      snapshotId,
      operation: 'delete' as const,
      manifests,
      added: filesChange([]),
      removed: filesChange(removed.map(({ file }) => file)),
      partitionCount: new Set(removed.map(({ file, specId }) => partitionKey(specId, file.partition))).size,
      // In the same commit: no answer may call complete what lost these rows.
      alterations: byPartition(metadata, removed).map((rows) => ({
        cause: 'retention' as const,
        ...rows,
        snapshotId,
        operation: 'delete',
      })),
    };
    return { next: await withContent(base, content, { files, limits }), outcome: removed };
  };
}

function hasEnded(metadata: TableMetadata, { partition }: DataFile, specId: number, beforeUs: number): boolean {
  const endUs = partitionEndUs(specById(metadata, specId), partition);
  return endUs !== null && endUs <= beforeUs;
}

/** No partition of the manifest ends earlier. */
function earliestEndUs(metadata: TableMetadata, { partitionSpecId, partitions }: ManifestFile): number {
  const spec = specById(metadata, partitionSpecId);
  const types = partitionTypes(currentSchema(metadata), spec);
  // Other engines may leave the ranges out.
  if (partitions.length < types.length) return -Infinity;
  const least = types.map(({ result }, index) => summaryRange(partitions[index], result)?.min ?? null);
  return partitionEndUs(spec, least) ?? Infinity;
}
