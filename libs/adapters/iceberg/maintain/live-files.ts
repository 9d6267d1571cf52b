import type { TableMetadata, Snapshot } from '../format/metadata.ts';
import { inherited, type DataFile } from '../format/manifest.ts';
import type { PartitionValue } from '../format/transforms.ts';
import type { TableFiles } from '../table-files.ts';

/** A data file of a snapshot. */
export interface LiveFile {
  readonly specId: number;
  readonly file: DataFile;
  readonly dataSequenceNumber: number;
}

export async function liveFiles(
  metadata: TableMetadata,
  snapshot: Snapshot | null,
  files: TableFiles,
): Promise<readonly LiveFile[]> {
  if (snapshot === null) return [];
  const live: LiveFile[] = [];
  for (const manifest of await files.manifests(snapshot)) {
    for (const entry of await files.entries(metadata, manifest)) {
      if (entry.status === 'deleted') continue;
      const dataSequenceNumber = inherited(entry, manifest).dataSequenceNumber!;
      live.push({ specId: manifest.partitionSpecId, file: entry.file, dataSequenceNumber });
    }
  }
  return live;
}

/** Equal for files of one partition only. */
export function partitionKey(specId: number, partition: readonly PartitionValue[]): string {
  return JSON.stringify([specId, ...partition.map(printable)]);
}

function printable(value: PartitionValue): unknown {
  if (typeof value === 'bigint') return { long: String(value) };
  return value instanceof Uint8Array ? { bytes: Array.from(value) } : value;
}
