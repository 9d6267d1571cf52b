import type { ObjectStore, Random } from '@k2/ports';
import { parseMetadata, printMetadata } from './format/metadata-json.ts';
import { currentSchema, specById, type Snapshot, type TableMetadata } from './format/metadata.ts';
import { partitionTypes, readManifest, writeManifest, type ManifestEntry } from './format/manifest.ts';
import {
  entryCounts,
  partitionSummaries,
  readManifestList,
  writeManifestList,
  type ManifestFile,
} from './format/manifest-list.ts';
import { LruCache } from './lru-cache.ts';

/**
 * The metadata files of tables: metadata JSON, manifest lists and manifests, by their URIs. None of them ever changes,
 * so what was read or written is kept, up to a bound.
 */
export class TableFiles {
  private readonly objects: ObjectStore;
  private readonly random: Random;
  private readonly cache: LruCache<TableMetadata | readonly ManifestFile[] | readonly ManifestEntry[]>;

  constructor({ objects, random, cacheBytesMax }: { objects: ObjectStore; random: Random; cacheBytesMax: number }) {
    this.objects = objects;
    this.random = random;
    this.cache = new LruCache(cacheBytesMax);
  }

  async metadata(location: string): Promise<TableMetadata> {
    return this.cached(location, METADATA_WEIGHT, async (bytes) => parseMetadata(new TextDecoder().decode(bytes)));
  }

  async manifests(snapshot: Snapshot): Promise<readonly ManifestFile[]> {
    return this.cached(snapshot['manifest-list'], AVRO_WEIGHT, readManifestList);
  }

  /** As they stand in the file: what they take from the manifest list differs between attempts to commit it. */
  async entries(
    metadata: TableMetadata,
    manifest: Pick<ManifestFile, 'path' | 'partitionSpecId'>,
  ): Promise<readonly ManifestEntry[]> {
    const spec = specById(metadata, manifest.partitionSpecId);
    return this.cached(manifest.path, AVRO_WEIGHT, (bytes) => readManifest(bytes, spec));
  }

  /** Returns the location of the new file: `…/metadata/<version>-<uuid>.metadata.json`. */
  async writeMetadata(metadata: TableMetadata, version: number): Promise<string> {
    const name = `${String(version).padStart(5, '0')}-${this.random.uuid()}.metadata.json`;
    const bytes = new TextEncoder().encode(printMetadata(metadata));
    const location = await this.put(metadata.location, name, bytes);
    this.cache.set(location, metadata, bytes.length * METADATA_WEIGHT);
    return location;
  }

  async writeManifestList(
    metadata: TableMetadata,
    snapshot: {
      readonly snapshotId: bigint;
      readonly parentSnapshotId: bigint | null;
      readonly sequenceNumber: number;
    },
    manifests: readonly ManifestFile[],
  ): Promise<string> {
    const bytes = await writeManifestList(snapshot, manifests);
    const location = await this.put(metadata.location, `snap-${snapshot.snapshotId}-${this.random.uuid()}.avro`, bytes);
    this.cache.set(location, manifests, bytes.length * AVRO_WEIGHT);
    return location;
  }

  /**
   * Writes a manifest of one partition spec and says what the list of a snapshot has about it. Its sequence number
   * holds for that snapshot only: a re-based commit gives it the next one's.
   */
  async writeManifestFile(
    metadata: TableMetadata,
    specId: number,
    entries: readonly ManifestEntry[],
    { snapshotId, sequenceNumber }: { readonly snapshotId: bigint; readonly sequenceNumber: number },
  ): Promise<ManifestFile> {
    const schema = currentSchema(metadata);
    const spec = specById(metadata, specId);
    const bytes = await writeManifest(schema, spec, entries);
    const path = await this.put(metadata.location, `${this.random.uuid()}-m0.avro`, bytes);
    this.cache.set(path, entries, bytes.length * AVRO_WEIGHT);
    const types = partitionTypes(schema, spec).map(({ result }) => result);
    return {
      path,
      lengthBytes: bytes.length,
      partitionSpecId: specId,
      sequenceNumber,
      addedSnapshotId: snapshotId,
      ...entryCounts(entries, sequenceNumber),
      partitions: partitionSummaries(
        entries.map((entry) => entry.file),
        types,
      ),
    };
  }

  private async cached<Value extends TableMetadata | readonly ManifestFile[] | readonly ManifestEntry[]>(
    location: string,
    weight: number,
    parse: (bytes: Uint8Array) => Promise<Value>,
  ): Promise<Value> {
    // A location is always asked for as the one kind of file it is.
    const known = this.cache.get(location) as Value | undefined;
    if (known !== undefined) return known;
    const bytes = await this.objects.get(this.objects.key(location));
    const value = await parse(bytes);
    this.cache.set(location, value, bytes.length * weight);
    return value;
  }

  private async put(tableLocation: string, name: string, bytes: Uint8Array): Promise<string> {
    const location = `${tableLocation}/metadata/${name}`;
    await this.objects.putIfAbsent(this.objects.key(location), bytes);
    return location;
  }
}

/** Bytes that a parsed file takes in memory for each byte on disk, roughly; Avro is packed and deflated. */
const METADATA_WEIGHT = 2;
const AVRO_WEIGHT = 16;
