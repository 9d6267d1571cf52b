import { readManifest, type ManifestEntry } from '../format/manifest.ts';
import { readManifestList, type ManifestFile } from '../format/manifest-list.ts';
import { snapshotById, specById, type Snapshot, type TableMetadata } from '../format/metadata.ts';
import type { TestLake } from './lake.ts';

export interface ReadManifest {
  readonly manifest: ManifestFile;
  readonly entries: readonly ManifestEntry[];
}

/** A snapshot's manifests as they are stored, read past every cache. */
export async function readSnapshot(lake: TestLake, metadata: TableMetadata, snapshot: Snapshot) {
  const manifests = await readManifestList(await stored(lake, snapshot['manifest-list']));
  return Promise.all(
    manifests.map(async (manifest): Promise<ReadManifest> => {
      const spec = specById(metadata, manifest.partitionSpecId);
      return { manifest, entries: await readManifest(await stored(lake, manifest.path), spec) };
    }),
  );
}

/** Of the current snapshot. */
export async function readCurrent(lake: TestLake, table: string) {
  const metadata = await lake.metadata(table);
  const snapshot = snapshotById(metadata, metadata['current-snapshot-id']!)!;
  return { metadata, snapshot, manifests: await readSnapshot(lake, metadata, snapshot) };
}

/** Keys of everything that a table's metadata leads to. Throws where a file of it is gone. */
export async function reachedKeys(lake: TestLake, table: string): Promise<ReadonlySet<string>> {
  const metadata = await lake.metadata(table);
  const uris = [
    (await lake.catalog.metadataLocation(table))!,
    ...metadata['metadata-log'].map((e) => e['metadata-file']),
  ];
  for (const snapshot of metadata.snapshots) {
    uris.push(snapshot['manifest-list']);
    for (const { manifest, entries } of await readSnapshot(lake, metadata, snapshot)) {
      uris.push(manifest.path);
      uris.push(...entries.filter(({ status }) => status !== 'deleted').map(({ file }) => file.path));
    }
  }
  const keys = new Set(uris.map((uri) => lake.objects.key(uri)));
  for (const key of keys) await lake.objects.localFile(key);
  return keys;
}

function stored(lake: TestLake, uri: string): Promise<Uint8Array> {
  return lake.objects.get(lake.objects.key(uri));
}
