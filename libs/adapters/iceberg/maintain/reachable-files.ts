import type { ObjectStore } from '@k2/ports';
import type { MetadataFile } from '../commit/next-metadata.ts';
import type { TableFiles } from '../table-files.ts';
import { fileName, keyOrNull } from './object-keys.ts';
import { statisticsPaths } from './unneeded-files.ts';

export interface ReachableFiles {
  readonly keys: ReadonlySet<string>;
  /**
   * Names of files that the table has outside this store, as far as their URIs tell: the same store may be known under
   * another one.
   */
  readonly namesElsewhere: ReadonlySet<string>;
}

/** Everything that a table's metadata leads to: its own files, old and new, and those of every snapshot. */
export async function reachableFiles(
  { location, metadata }: MetadataFile,
  files: TableFiles,
  objects: ObjectStore,
): Promise<ReachableFiles> {
  const keys = new Set<string>();
  const namesElsewhere = new Set<string>();
  const reach = (path: string) => {
    const key = keyOrNull(objects, path);
    if (key === null) namesElsewhere.add(fileName(path));
    else keys.add(key);
  };
  reach(location);
  metadata['metadata-log'].forEach((entry) => reach(entry['metadata-file']));
  statisticsPaths(metadata).forEach(reach);
  const manifests = new Set<string>();
  for (const snapshot of metadata.snapshots) {
    reach(snapshot['manifest-list']);
    for (const manifest of await files.manifests(snapshot)) {
      if (manifests.has(manifest.path)) continue;
      manifests.add(manifest.path);
      reach(manifest.path);
      for (const { status, file } of await files.entries(metadata, manifest)) {
        if (status !== 'deleted') reach(file.path);
      }
    }
  }
  return { keys, namesElsewhere };
}
