import { currentSnapshot, type Snapshot, type TableMetadata } from '../format/metadata.ts';
import type { ManifestFile } from '../format/manifest-list.ts';
import type { TableFiles } from '../table-files.ts';
import { mergedManifests, type MergeLimits } from './merge-manifests.ts';
import type { StagedTable } from './staged-rows.ts';

/** The snapshot that adds staged files to what a table holds now; its manifest list is written. */
export async function appendSnapshot(
  staged: StagedTable,
  base: TableMetadata,
  { committedMs, progress }: { readonly committedMs: number; readonly progress: string },
  { files, limits }: { readonly files: TableFiles; readonly limits: MergeLimits },
): Promise<Snapshot> {
  const parent = currentSnapshot(base);
  const sequenceNumber = base['last-sequence-number'] + 1;
  const added: ManifestFile = { ...staged.manifest, sequenceNumber, minSequenceNumber: sequenceNumber };
  const inherited = parent === null ? [] : await files.manifests(parent);
  const target = { snapshotId: staged.snapshotId, sequenceNumber };
  const manifests = await mergedManifests([added, ...inherited], base, target, files, limits);
  const parentSnapshotId = parent?.['snapshot-id'] ?? null;
  return {
    'snapshot-id': staged.snapshotId,
    ...(parentSnapshotId === null ? {} : { 'parent-snapshot-id': parentSnapshotId }),
    'sequence-number': sequenceNumber,
    'timestamp-ms': committedMs,
    'manifest-list': await files.writeManifestList(base, { ...target, parentSnapshotId }, manifests),
    'schema-id': base['current-schema-id'],
    summary: { ...appendSummary(staged, parent), [PROGRESS_PROPERTY]: progress },
  };
}

/** Summary key of the log offsets up to which the table holds rows; see `printProgress`. */
export const PROGRESS_PROPERTY = 'k2.progress';

/** Counts as the table spec names them (Appendix F, "Optional Snapshot Summary Fields"). */
function appendSummary(
  { manifest, partitionCount, sizeBytes }: StagedTable,
  parent: Snapshot | null,
): Snapshot['summary'] {
  const total = (key: string, added: number) => String(Number(parent?.summary[key] ?? 0) + added);
  return {
    operation: 'append',
    'added-data-files': String(manifest.addedFiles),
    'added-records': String(manifest.addedRows),
    'added-files-size': String(sizeBytes),
    'changed-partition-count': String(partitionCount),
    'total-data-files': total('total-data-files', manifest.addedFiles),
    'total-records': total('total-records', manifest.addedRows),
    'total-files-size': total('total-files-size', sizeBytes),
    'total-delete-files': '0',
    'total-position-deletes': '0',
    'total-equality-deletes': '0',
  };
}
