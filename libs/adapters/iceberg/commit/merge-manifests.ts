import type { TableMetadata } from '../format/metadata.ts';
import { inherited, type ManifestEntry } from '../format/manifest.ts';
import type { ManifestFile } from '../format/manifest-list.ts';
import type { TableFiles } from '../table-files.ts';

export interface MergeLimits {
  /** A snapshot with more manifests gets them merged (`commit.manifest.min-count-to-merge`). */
  readonly manifestsMax: number;
  /** Size up to which manifests are put together (`commit.manifest.target-size-bytes`). */
  readonly manifestBytesTarget: number;
}

/**
 * The manifests of a snapshot, newest first, merged where they have become too many: neighbours of one partition spec
 * are put together up to the target size, so that each file is rewritten into ever larger manifests a few times only.
 */
export async function mergedManifests(
  manifests: readonly ManifestFile[],
  metadata: TableMetadata,
  snapshot: { readonly snapshotId: bigint; readonly sequenceNumber: number },
  files: TableFiles,
  limits: MergeLimits,
): Promise<readonly ManifestFile[]> {
  if (manifests.length <= limits.manifestsMax) return manifests;
  const merged: ManifestFile[] = [];
  for (const group of groups(manifests, limits.manifestBytesTarget)) {
    merged.push(group.length === 1 ? group[0] : await merge(group, metadata, snapshot, files));
  }
  return merged;
}

/** Manifests written for a snapshot that its list does not name, because they were merged at once. */
export function mergedAway(
  manifests: readonly ManifestFile[],
  merged: readonly ManifestFile[],
  snapshotId: bigint,
): readonly string[] {
  const named = new Set(merged.map(({ path }) => path));
  const own = manifests.filter(({ addedSnapshotId }) => addedSnapshotId === snapshotId);
  return own.map(({ path }) => path).filter((path) => !named.has(path));
}

function groups(manifests: readonly ManifestFile[], bytesTarget: number): ManifestFile[][] {
  const result: ManifestFile[][] = [];
  let sizeBytes = 0;
  for (const manifest of manifests) {
    const group = result.at(-1);
    const fits =
      group?.[0].partitionSpecId === manifest.partitionSpecId && sizeBytes + manifest.lengthBytes <= bytesTarget;
    if (group !== undefined && fits) {
      group.push(manifest);
      sizeBytes += manifest.lengthBytes;
    } else {
      result.push([manifest]);
      sizeBytes = manifest.lengthBytes;
    }
  }
  return result;
}

/** What this snapshot adds or deletes stays so; files of earlier ones become existing, deletions of earlier ones go. */
async function merge(
  group: readonly ManifestFile[],
  metadata: TableMetadata,
  { snapshotId, sequenceNumber }: { readonly snapshotId: bigint; readonly sequenceNumber: number },
  files: TableFiles,
): Promise<ManifestFile> {
  const entries: ManifestEntry[] = [];
  for (const manifest of group) {
    for (const entry of await files.entries(metadata, manifest)) {
      const full = inherited(entry, manifest);
      // An entry added now takes its sequence numbers from the list again: a re-based commit changes them.
      if (full.snapshotId === snapshotId) entries.push(full.status === 'added' ? { ...entry, snapshotId } : full);
      else if (full.status !== 'deleted') entries.push({ ...full, status: 'existing' });
    }
  }
  return files.writeManifestFile(metadata, group[0].partitionSpecId, entries, { snapshotId, sequenceNumber });
}
