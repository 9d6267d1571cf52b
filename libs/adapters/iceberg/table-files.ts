import {
  contentName,
  isPortError,
  PortError,
  type ObjectStore,
  type ObjectStoreErrorKind,
  type Random,
  type TickStoreError,
  type TickStoreErrorKind,
} from '@k2/ports';
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
import { UnsupportedFile } from './format/unsupported-file.ts';
import { LruCache } from './lru-cache.ts';
import { digestOf } from './objects/digest.ts';

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
    const bytes = new TextEncoder().encode(printMetadata(metadata));
    const digits = String(version).padStart(5, '0');
    const location = await this.put(metadata.location, (name) => `${digits}-${name}.metadata.json`, bytes);
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
    const location = await this.put(metadata.location, (name) => `snap-${snapshot.snapshotId}-${name}.avro`, bytes);
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
    const path = await this.put(metadata.location, (name) => `${name}-m0.avro`, bytes);
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
    const key = this.objects.key(location);
    const bytes = await this.content(key);
    const value = await parse(bytes).catch((error: unknown) => {
      throw unreadable(key, bytes, error);
    });
    this.cache.set(location, value, bytes.length * weight);
    return value;
  }

  private async content(key: string): Promise<Uint8Array> {
    try {
      return await this.objects.get(key);
    } catch (error) {
      throw isPortError<ObjectStoreErrorKind>(error, 'not-found') ? missing(key, error) : error;
    }
  }

  private async put(tableLocation: string, named: (name: string) => string, bytes: Uint8Array): Promise<string> {
    const name = contentName(this.random.uuid(), digestOf(bytes));
    const location = `${tableLocation}/metadata/${named(name)}`;
    await this.objects.putIfAbsent(this.objects.key(location), bytes);
    return location;
  }
}

/** Whether a file of a table's metadata was found to be gone. */
export function isMissing(error: unknown): boolean {
  return isPortError<TickStoreErrorKind>(error, 'damaged') && error.context['isMissing'] === true;
}

function missing(key: string, cause: unknown): TickStoreError {
  const message = `${key} is missing: restore the file from a backup`;
  return new PortError('damaged', message, { key, isMissing: true }, { cause });
}

/** Written by another engine or an older K2: its name carries no digest. */
function unreadable(key: string, bytes: Uint8Array, cause: unknown): TickStoreError {
  const why = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof UnsupportedFile) return new PortError('unavailable', `${key}: ${why}`, { key }, { cause });
  const message = `${key}, of ${bytes.length} bytes, is damaged: ${why}; restore the file from a backup`;
  return new PortError('damaged', message, { key }, { cause });
}

/** Bytes that a parsed file takes in memory for each byte on disk, roughly; Avro is packed and deflated. */
const METADATA_WEIGHT = 2;
const AVRO_WEIGHT = 16;
