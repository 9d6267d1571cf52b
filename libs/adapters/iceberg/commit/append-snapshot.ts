import type { Alteration } from '@k2/domain/lake';
import { currentSnapshot, type Snapshot, type TableMetadata } from '../format/metadata.ts';
import { hasLiveFiles, type ManifestFile } from '../format/manifest-list.ts';
import { alterationsOf } from '../read/alterations.ts';
import { rowCountIn } from '../read/content-difference.ts';
import type { TableFiles } from '../table-files.ts';
import { mergedAway, mergedManifests, type MergeLimits } from './merge-manifests.ts';
import { NO_FILES, snapshotSummary } from './snapshot-summary.ts';
import type { StagedTable } from './staged-rows.ts';

export interface NewSnapshot {
  readonly snapshot: UndatedSnapshot;
  /** Manifests to delete once it is committed. */
  readonly mergedAway: readonly string[];
  /** Every alteration of the table's rows up to it, once its time is chosen. */
  readonly alterationsAt: (committedMs: number) => readonly Alteration[];
  readonly rowCount: number;
}

/** See `UndatedMetadata`. */
export type UndatedSnapshot = Omit<Snapshot, 'timestamp-ms'>;

/** The snapshot that adds staged files to what a table holds now; its manifest list is written. */
export async function appendSnapshot(
  staged: StagedTable,
  base: TableMetadata,
  progress: string,
  { files, limits }: { readonly files: TableFiles; readonly limits: MergeLimits },
): Promise<NewSnapshot> {
  const parent = currentSnapshot(base);
  const sequenceNumber = base['last-sequence-number'] + 1;
  const added: ManifestFile = { ...staged.manifest, sequenceNumber, minSequenceNumber: sequenceNumber };
  const inherited = parent === null ? [] : (await files.manifests(parent)).filter(hasLiveFiles);
  const target = { snapshotId: staged.snapshotId, sequenceNumber };
  const manifests = [added, ...inherited];
  const merged = await mergedManifests(manifests, base, target, files, limits);
  const parentSnapshotId = parent?.['snapshot-id'] ?? null;
  const { manifest, partitionCount, sizeBytes } = staged;
  const alterations = await alterationsOf(base, parent, files);
  const change = { files: manifest.addedFiles, rows: manifest.addedRows, sizeBytes };
  const snapshot = {
    'snapshot-id': staged.snapshotId,
    ...(parentSnapshotId === null ? {} : { 'parent-snapshot-id': parentSnapshotId }),
    'sequence-number': sequenceNumber,
    'manifest-list': await files.writeManifestList(base, { ...target, parentSnapshotId }, merged),
    'schema-id': base['current-schema-id'],
    summary: snapshotSummary('append', parent, { added: change, removed: NO_FILES, partitionCount }, progress),
  };
  const unnamed = mergedAway(manifests, merged, staged.snapshotId);
  return { snapshot, mergedAway: unnamed, alterationsAt: () => alterations, rowCount: rowCountIn(merged) };
}
