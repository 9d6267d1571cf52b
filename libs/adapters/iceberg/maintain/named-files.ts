import type { ManifestFile } from '../format/manifest-list.ts';
import type { Snapshot, TableMetadata } from '../format/metadata.ts';
import { LruCache } from '../lru-cache.ts';
import type { TableFiles } from '../table-files.ts';

export type NamedManifest = Pick<ManifestFile, 'path' | 'partitionSpecId'>;

/** Memory of what manifest lists name, and of what manifests name: some 8 million data files. */
const LIST_BYTES_MAX = 33_554_432;
const MANIFEST_BYTES_MAX = 67_108_864;
/** Of a manifest in memory, besides its path. */
const NAMED_MANIFEST_BYTES = 64;

/**
 * What manifest lists and manifests name, each read once: none of them ever changes. A round of maintenance asks for all
 * that are retained, far more than a cache of whole entries holds; so of a data file 8 bytes are kept, a hash of its path.
 */
export class NamedFiles {
  private readonly files: TableFiles;
  private readonly lists = new LruCache<readonly NamedManifest[]>(LIST_BYTES_MAX);
  private readonly dataFiles = new LruCache<Float64Array>(MANIFEST_BYTES_MAX);

  constructor(files: TableFiles) {
    this.files = files;
  }

  async manifests(snapshot: Snapshot): Promise<readonly NamedManifest[]> {
    const location = snapshot['manifest-list'];
    const known = this.lists.get(location);
    if (known !== undefined) return known;
    const all = await this.files.manifests(snapshot);
    const named = all.map(({ path, partitionSpecId }): NamedManifest => ({ path, partitionSpecId }));
    const bytes = named.reduce((sum, { path }) => sum + path.length + NAMED_MANIFEST_BYTES, location.length);
    this.lists.set(location, named, bytes);
    return named;
  }

  /** Hashes of the paths of the live data files. */
  async liveFiles(metadata: TableMetadata, manifest: NamedManifest): Promise<Float64Array> {
    const known = this.dataFiles.get(manifest.path);
    if (known !== undefined) return known;
    const live = (await this.files.entries(metadata, manifest)).filter(({ status }) => status !== 'deleted');
    const hashes = Float64Array.from(live, ({ file }) => pathHash(file.path));
    this.dataFiles.set(manifest.path, hashes, hashes.byteLength + manifest.path.length + NAMED_MANIFEST_BYTES);
    return hashes;
  }
}

/** 53 bits: two rounds of 32-bit FNV-1a. Of two paths with one hash, the one that is needed keeps the other. */
export function pathHash(path: string): number {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let i = 0; i < path.length; i++) {
    const unit = path.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ (unit + 1), 0x85ebca6b) ^ (high >>> 15);
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0);
}
