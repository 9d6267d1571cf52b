import { currentSchema, fieldById, specById, type Snapshot, type TableMetadata } from '../format/metadata.ts';
import type { DataFile } from '../format/manifest.ts';
import type { ManifestFile } from '../format/manifest-list.ts';
import { partitionEndUs, partitionStartUs } from '../format/partition-times.ts';
import type { TableFiles } from '../table-files.ts';

/** A data file, and the spec that its partition is of. */
export interface SpecFile {
  readonly file: DataFile;
  readonly specId: number;
}

/** Rows taken out of one partition of a table, and put into it. */
export interface PartitionDifference {
  readonly exchange: string | null;
  readonly fromUs: number | null;
  readonly toUs: number | null;
  readonly removedRows: number;
  readonly addedRows: number;
}

/** What of a table's content differs between two snapshots, whatever led from one to the other; null is no content. */
export async function contentDifference(
  metadata: TableMetadata,
  from: Snapshot | null,
  to: Snapshot | null,
  files: TableFiles,
): Promise<readonly PartitionDifference[]> {
  const [before, after] = await Promise.all([manifestsOf(from, files), manifestsOf(to, files)]);
  const removed = await filesOf(metadata, without(before, after), files);
  const added = await filesOf(metadata, without(after, before), files);
  for (const path of removed.keys()) if (added.delete(path)) removed.delete(path);
  return byPartition(metadata, [...removed.values()], [...added.values()]);
}

/** Rows of files by the exchange and the times that their partitions stand for. */
export function byPartition(
  metadata: TableMetadata,
  removed: readonly SpecFile[],
  added: readonly SpecFile[] = [],
): readonly PartitionDifference[] {
  const differences = new Map<string, PartitionDifference>();
  const count = (file: SpecFile, change: Partial<PartitionDifference>) => {
    const place = placeOf(metadata, file);
    const key = JSON.stringify(place);
    const { removedRows = 0, addedRows = 0 } = differences.get(key) ?? {};
    differences.set(key, {
      ...place,
      removedRows: removedRows + (change.removedRows ?? 0),
      addedRows: addedRows + (change.addedRows ?? 0),
    });
  };
  for (const one of removed) count(one, { removedRows: one.file.recordCount });
  for (const one of added) count(one, { addedRows: one.file.recordCount });
  return [...differences.values()];
}

export async function rowCountOf(snapshot: Snapshot | null, files: TableFiles): Promise<number> {
  return rowCountIn(await manifestsOf(snapshot, files));
}

export function rowCountIn(manifests: readonly ManifestFile[]): number {
  return manifests.reduce((sum, { addedRows, existingRows }) => sum + addedRows + existingRows, 0);
}

function manifestsOf(snapshot: Snapshot | null, files: TableFiles): Promise<readonly ManifestFile[]> {
  return snapshot === null ? Promise.resolve([]) : files.manifests(snapshot);
}

/** A manifest that both have says the same of both. */
function without(manifests: readonly ManifestFile[], others: readonly ManifestFile[]): readonly ManifestFile[] {
  const shared = new Set(others.map(({ path }) => path));
  return manifests.filter(({ path }) => !shared.has(path));
}

async function filesOf(
  metadata: TableMetadata,
  manifests: readonly ManifestFile[],
  files: TableFiles,
): Promise<Map<string, SpecFile>> {
  const found = new Map<string, SpecFile>();
  for (const manifest of manifests) {
    for (const { status, file } of await files.entries(metadata, manifest)) {
      if (status !== 'deleted') found.set(file.path, { file, specId: manifest.partitionSpecId });
    }
  }
  return found;
}

function placeOf(metadata: TableMetadata, { file: { partition }, specId }: SpecFile) {
  const spec = specById(metadata, specId);
  const index = spec.fields.findIndex(
    (field) =>
      field.transform === 'identity' && fieldById(currentSchema(metadata), field['source-id'])?.name === 'exchange',
  );
  const exchange = index < 0 ? null : partition[index];
  return {
    exchange: typeof exchange === 'string' ? exchange : null,
    fromUs: partitionStartUs(spec, partition),
    toUs: partitionEndUs(spec, partition),
  };
}
