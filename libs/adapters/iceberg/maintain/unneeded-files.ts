import type { ObjectStore } from '@k2/ports';
import type { Snapshot, TableMetadata } from '../format/metadata.ts';
import { isMissing, type TableFiles } from '../table-files.ts';
import type { DeletableObject } from './delete-objects.ts';
import { pathHash, type NamedFiles, type NamedManifest } from './named-files.ts';
import { keyOrNull } from './object-keys.ts';

/**
 * The files that a table needed before some snapshots were given up, and does not need any more: their manifest lists,
 * manifests of no other snapshot, data files that no manifest of another one lists, statistics. Data files first.
 * Throws where anything that is still needed cannot be read. What is needed is read once, and then known.
 */
export async function unneededFiles(
  before: TableMetadata,
  after: TableMetadata,
  { files, named, objects }: { readonly files: TableFiles; readonly named: NamedFiles; readonly objects: ObjectStore },
): Promise<readonly DeletableObject[]> {
  const kept = new Set(after.snapshots.map((snapshot) => snapshot['snapshot-id']));
  const expired = before.snapshots.filter((snapshot) => !kept.has(snapshot['snapshot-id']));
  if (expired.length === 0) return [];

  const neededManifests = await manifestsOf(after.snapshots, named);
  const neededLists = new Set(after.snapshots.map((snapshot) => snapshot['manifest-list']));
  const manifests = new Map<string, NamedManifest>();
  const lists = new Set<string>();
  for (const snapshot of expired) {
    if (!neededLists.has(snapshot['manifest-list'])) lists.add(snapshot['manifest-list']);
    for (const manifest of await unlessGone(() => named.manifests(snapshot))) {
      if (!neededManifests.has(manifest.path)) manifests.set(manifest.path, manifest);
    }
  }

  const dataFiles = new Map<string, number>();
  const byHash = new Map<number, readonly string[]>();
  for (const manifest of manifests.values()) {
    for (const { status, file } of await unlessGone(() => files.entries(before, manifest))) {
      const key = keyOrNull(objects, file.path);
      if (status === 'deleted' || key === null || dataFiles.has(key)) continue;
      dataFiles.set(key, file.sizeBytes);
      const hash = pathHash(file.path);
      byHash.set(hash, [...(byHash.get(hash) ?? []), key]);
    }
  }
  for (const manifest of neededManifests.values()) {
    if (dataFiles.size === 0) break;
    for (const hash of await named.liveFiles(after, manifest)) {
      for (const key of byHash.get(hash) ?? []) dataFiles.delete(key);
    }
  }

  const metadataSizes = await sizesUnder(`${objects.key(before.location)}/metadata/`, objects);
  const small = [...manifests.keys(), ...lists, ...unneededStatistics(before, after)]
    .map((path) => keyOrNull(objects, path))
    .filter((key) => key !== null)
    .map((key) => ({ key, sizeBytes: metadataSizes.get(key) ?? 0 }));
  return [...Array.from(dataFiles, ([key, sizeBytes]) => ({ key, sizeBytes })), ...small];
}

async function manifestsOf(snapshots: readonly Snapshot[], named: NamedFiles) {
  const all = new Map<string, NamedManifest>();
  for (const snapshot of snapshots) {
    for (const manifest of await named.manifests(snapshot)) all.set(manifest.path, manifest);
  }
  return all;
}

/** Of what nobody needs any more, somebody else may have deleted a part: the rest is then left to orphan removal. */
async function unlessGone<Item>(read: () => Promise<readonly Item[]>): Promise<readonly Item[]> {
  try {
    return await read();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function sizesUnder(prefix: string, objects: ObjectStore): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { key, sizeBytes } of objects.list(prefix)) sizes.set(key, sizeBytes);
  return sizes;
}

function unneededStatistics(before: TableMetadata, after: TableMetadata): readonly string[] {
  const needed = new Set(statisticsPaths(after));
  return statisticsPaths(before).filter((path) => !needed.has(path));
}

export function statisticsPaths(metadata: TableMetadata): readonly string[] {
  const all = [...(metadata.statistics ?? []), ...(metadata['partition-statistics'] ?? [])];
  return all.map((file) => file['statistics-path']);
}
