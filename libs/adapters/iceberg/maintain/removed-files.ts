import { currentSnapshot, type TableMetadata } from '../format/metadata.ts';
import { inherited, type DataFile, type ManifestEntry } from '../format/manifest.ts';
import { hasLiveFiles, summaryRange, type ManifestFile } from '../format/manifest-list.ts';
import type { PrimitiveType } from '../format/schema.ts';
import { compareValues } from '../format/single-value.ts';
import type { PartitionValue } from '../format/transforms.ts';
import type { SpecFile } from '../read/content-difference.ts';
import type { TableFiles } from '../table-files.ts';

/** Which files a snapshot takes out of a table. */
export interface Removal {
  /** Of the snapshot; the same in every attempt. */
  readonly snapshotId: bigint;
  /** False only where no file of the manifest is to be taken out. */
  mayBeIn(manifest: ManifestFile): boolean;
  isRemoved(file: DataFile, specId: number): boolean;
}

export interface ManifestsWithout {
  readonly manifests: readonly ManifestFile[];
  readonly removed: readonly SpecFile[];
}

/**
 * The manifests of the current snapshot less the files that are taken out: in manifests that have some, these become
 * deleted entries and all others existing ones, with the sequence numbers they had. Every other manifest stays as it is.
 * What is written for one attempt serves the next, as far as the manifests are still the same.
 */
export class RemovedFiles {
  private readonly removal: Removal;
  private readonly files: TableFiles;
  /** By path of the manifest that was there. */
  private readonly written = new Map<
    string,
    { readonly manifest: ManifestFile; readonly removed: readonly SpecFile[] }
  >();

  constructor(removal: Removal, files: TableFiles) {
    this.removal = removal;
    this.files = files;
  }

  async takenFrom(metadata: TableMetadata, sequenceNumber: number): Promise<ManifestsWithout> {
    const snapshot = currentSnapshot(metadata);
    const manifests: ManifestFile[] = [];
    const removed: SpecFile[] = [];
    const all = snapshot === null ? [] : await this.files.manifests(snapshot);
    for (const manifest of all.filter(hasLiveFiles)) {
      const without = this.removal.mayBeIn(manifest) ? await this.without(metadata, manifest) : null;
      if (without === null) {
        manifests.push(manifest);
        continue;
      }
      const { minSequenceNumber } = without.manifest;
      manifests.push({
        ...without.manifest,
        sequenceNumber,
        minSequenceNumber: hasLiveFiles(without.manifest) ? minSequenceNumber : sequenceNumber,
      });
      for (const file of without.removed) removed.push(file);
    }
    return { manifests, removed };
  }

  /** Null where nothing is taken out of it. */
  private async without(metadata: TableMetadata, source: ManifestFile) {
    const known = this.written.get(source.path);
    if (known !== undefined) return known;
    const { removal, files } = this;
    const live = (await files.entries(metadata, source)).filter(({ status }) => status !== 'deleted');
    const removed = live.filter(({ file }) => removal.isRemoved(file, source.partitionSpecId));
    if (removed.length === 0) return null;
    const gone = new Set(removed);
    const entries = live.map((entry): ManifestEntry => {
      const full = inherited(entry, source);
      return gone.has(entry)
        ? { ...full, status: 'deleted', snapshotId: removal.snapshotId }
        : { ...full, status: 'existing' };
    });
    const snapshot = { snapshotId: removal.snapshotId, sequenceNumber: metadata['last-sequence-number'] + 1 };
    const manifest = await files.writeManifestFile(metadata, source.partitionSpecId, entries, snapshot);
    const specId = source.partitionSpecId;
    const result = { manifest, removed: removed.map(({ file }) => ({ file, specId })) };
    this.written.set(source.path, result);
    return result;
  }
}

/** Tells manifests that can hold files of a partition, by the ranges that their list states. */
export function mayHoldPartition(
  specId: number,
  types: readonly PrimitiveType[],
  partition: readonly PartitionValue[],
): (manifest: ManifestFile) => boolean {
  return ({ partitionSpecId, partitions }) =>
    partitionSpecId === specId &&
    partition.every((value, index) => {
      const summary = partitions[index];
      if (summary === undefined) return true;
      if (value === null) return summary.containsNull;
      const range = summaryRange(summary, types[index]);
      return range !== null && compareValues(range.min, value) <= 0 && compareValues(value, range.max) <= 0;
    });
}
