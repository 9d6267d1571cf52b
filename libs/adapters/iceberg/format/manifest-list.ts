import type { Schema as AvroSchema } from 'avsc';
import { list, optional, record, required } from './avro-fields.ts';
import { readAvroFile, writeAvroFile, type AvroRecord } from './avro-file.ts';
import { compareValues, deserializeValue, serializeValue, type Value } from './single-value.ts';
import type { PrimitiveType } from './schema.ts';
import type { DataFile, ManifestEntry } from './manifest.ts';

/** A snapshot's manifests, each with what lets a scan skip it (table spec, "Manifest Lists"). */

export interface ManifestFile {
  readonly path: string;
  readonly lengthBytes: number;
  readonly partitionSpecId: number;
  readonly sequenceNumber: number;
  readonly minSequenceNumber: number;
  readonly addedSnapshotId: bigint;
  readonly addedFiles: number;
  readonly existingFiles: number;
  readonly deletedFiles: number;
  readonly addedRows: number;
  readonly existingRows: number;
  readonly deletedRows: number;
  /** In the order of the partition spec. */
  readonly partitions: readonly FieldSummary[];
}

/** Whether a scan finds any file in it; a manifest of deleted entries only tells what its snapshot deleted. */
export function hasLiveFiles({ addedFiles, existingFiles }: ManifestFile): boolean {
  return addedFiles + existingFiles > 0;
}

/** Range of a partition field over a manifest's files. Bounds are single values, null where every value is null. */
export interface FieldSummary {
  readonly containsNull: boolean;
  readonly lowerBound: Uint8Array | null;
  readonly upperBound: Uint8Array | null;
}

export async function writeManifestList(
  snapshot: { readonly snapshotId: bigint; readonly parentSnapshotId: bigint | null; readonly sequenceNumber: number },
  manifests: readonly ManifestFile[],
): Promise<Uint8Array> {
  const metadata = new Map([
    ['snapshot-id', String(snapshot.snapshotId)],
    ['parent-snapshot-id', String(snapshot.parentSnapshotId)],
    ['sequence-number', String(snapshot.sequenceNumber)],
    ['format-version', '2'],
  ]);
  return writeAvroFile(LIST_SCHEMA, metadata, manifests.map(manifestRecord));
}

export async function readManifestList(bytes: Uint8Array): Promise<readonly ManifestFile[]> {
  const { records } = await readAvroFile(bytes);
  return records.map((manifest) => parsedManifest(manifest as unknown as ManifestRecord));
}

/** Counts of a manifest's entries, and the sequence number of the oldest data in it. */
export function entryCounts(entries: readonly ManifestEntry[], sequenceNumber: number) {
  const counts = { addedFiles: 0, existingFiles: 0, deletedFiles: 0, addedRows: 0, existingRows: 0, deletedRows: 0 };
  let minSequenceNumber = sequenceNumber;
  for (const { status, file, dataSequenceNumber } of entries) {
    counts[`${status}Files`]++;
    counts[`${status}Rows`] += file.recordCount;
    if (status !== 'deleted') minSequenceNumber = Math.min(minSequenceNumber, dataSequenceNumber ?? sequenceNumber);
  }
  return { ...counts, minSequenceNumber };
}

export function partitionSummaries(
  files: readonly DataFile[],
  types: readonly PrimitiveType[],
): readonly FieldSummary[] {
  return types.map((type, index) => {
    const values = files.map((file) => file.partition[index]);
    const present = values.filter((value) => value !== null).sort(compareValues);
    const bound = (value: Value | undefined) => (value === undefined ? null : serializeValue(type, value));
    return {
      containsNull: present.length < values.length,
      lowerBound: bound(present[0]),
      upperBound: bound(present.at(-1)),
    };
  });
}

/** The range that a summary states; null where every value is null. */
export function summaryRange(
  { lowerBound, upperBound }: FieldSummary,
  type: PrimitiveType,
): { readonly min: Value; readonly max: Value } | null {
  if (lowerBound === null || upperBound === null) return null;
  return { min: deserializeValue(type, lowerBound), max: deserializeValue(type, upperBound) };
}

const SUMMARY_SCHEMA = record('r508', [
  required(509, 'contains_null', 'boolean'),
  optional(518, 'contains_nan', 'boolean'),
  optional(510, 'lower_bound', 'bytes'),
  optional(511, 'upper_bound', 'bytes'),
]);

const LIST_SCHEMA = record('manifest_file', [
  required(500, 'manifest_path', 'string'),
  required(501, 'manifest_length', 'long'),
  required(502, 'partition_spec_id', 'int'),
  required(517, 'content', 'int'),
  required(515, 'sequence_number', 'long'),
  required(516, 'min_sequence_number', 'long'),
  required(503, 'added_snapshot_id', 'long'),
  required(504, 'added_files_count', 'int'),
  required(505, 'existing_files_count', 'int'),
  required(506, 'deleted_files_count', 'int'),
  required(512, 'added_rows_count', 'long'),
  required(513, 'existing_rows_count', 'long'),
  required(514, 'deleted_rows_count', 'long'),
  optional(507, 'partitions', list(508, SUMMARY_SCHEMA)),
  optional(519, 'key_metadata', 'bytes'),
]) as AvroSchema;

interface ManifestRecord {
  readonly manifest_path: string;
  readonly manifest_length: bigint;
  readonly partition_spec_id: number;
  readonly content: number;
  readonly sequence_number: bigint;
  readonly min_sequence_number: bigint;
  readonly added_snapshot_id: bigint;
  readonly added_files_count: number;
  readonly existing_files_count: number;
  readonly deleted_files_count: number;
  readonly added_rows_count: bigint;
  readonly existing_rows_count: bigint;
  readonly deleted_rows_count: bigint;
  readonly partitions:
    | readonly {
        readonly contains_null: boolean;
        readonly lower_bound: Uint8Array | null;
        readonly upper_bound: Uint8Array | null;
      }[]
    | null;
}

function manifestRecord(manifest: ManifestFile): AvroRecord {
  return {
    manifest_path: manifest.path,
    manifest_length: BigInt(manifest.lengthBytes),
    partition_spec_id: manifest.partitionSpecId,
    content: 0,
    sequence_number: BigInt(manifest.sequenceNumber),
    min_sequence_number: BigInt(manifest.minSequenceNumber),
    added_snapshot_id: manifest.addedSnapshotId,
    added_files_count: manifest.addedFiles,
    existing_files_count: manifest.existingFiles,
    deleted_files_count: manifest.deletedFiles,
    added_rows_count: BigInt(manifest.addedRows),
    existing_rows_count: BigInt(manifest.existingRows),
    deleted_rows_count: BigInt(manifest.deletedRows),
    partitions: manifest.partitions.map((summary) => ({
      contains_null: summary.containsNull,
      contains_nan: false,
      lower_bound: optionalBytes(summary.lowerBound),
      upper_bound: optionalBytes(summary.upperBound),
    })),
    key_metadata: null,
  };
}

function optionalBytes(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes);
}

function parsedManifest(manifest: ManifestRecord): ManifestFile {
  if (manifest.content !== 0)
    throw new Error(`${manifest.manifest_path} lists deletes: K2 reads tables of data files only`);
  return {
    path: manifest.manifest_path,
    lengthBytes: Number(manifest.manifest_length),
    partitionSpecId: manifest.partition_spec_id,
    sequenceNumber: Number(manifest.sequence_number),
    minSequenceNumber: Number(manifest.min_sequence_number),
    addedSnapshotId: manifest.added_snapshot_id,
    addedFiles: manifest.added_files_count,
    existingFiles: manifest.existing_files_count,
    deletedFiles: manifest.deleted_files_count,
    addedRows: Number(manifest.added_rows_count),
    existingRows: Number(manifest.existing_rows_count),
    deletedRows: Number(manifest.deleted_rows_count),
    partitions: (manifest.partitions ?? []).map((summary) => ({
      containsNull: summary.contains_null,
      lowerBound: summary.lower_bound,
      upperBound: summary.upper_bound,
    })),
  };
}
