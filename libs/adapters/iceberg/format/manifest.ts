import type { Schema as AvroSchema } from 'avsc';
import { intMap, list, optional, record, required, type AvroField } from './avro-fields.ts';
import { readAvroFile, writeAvroFile, type AvroRecord } from './avro-file.ts';
import { fieldById } from './metadata.ts';
import type { PartitionSpec, PrimitiveType, Schema } from './schema.ts';
import { parseTransform, type PartitionValue } from './transforms.ts';
import { UnsupportedFile } from './unsupported-file.ts';

/** A manifest: data files with their partition, counts and bounds (table spec, "Manifests"). */

export type EntryStatus = 'existing' | 'added' | 'deleted';
const STATUSES: readonly EntryStatus[] = ['existing', 'added', 'deleted'];

export interface ManifestEntry {
  readonly status: EntryStatus;
  /** Null in a file just written: inherited from the manifest list. */
  readonly snapshotId: bigint | null;
  readonly dataSequenceNumber: number | null;
  readonly fileSequenceNumber: number | null;
  readonly file: DataFile;
}

/** Maps are by field id. */
export interface DataFile {
  readonly path: string;
  /** In the order of the partition spec. */
  readonly partition: readonly PartitionValue[];
  readonly recordCount: number;
  readonly sizeBytes: number;
  readonly columnSizes: ReadonlyMap<number, number>;
  readonly valueCounts: ReadonlyMap<number, number>;
  readonly nullValueCounts: ReadonlyMap<number, number>;
  readonly lowerBounds: ReadonlyMap<number, Uint8Array>;
  readonly upperBounds: ReadonlyMap<number, Uint8Array>;
  readonly splitOffsets: readonly number[];
  readonly sortOrderId: number | null;
}

export async function writeManifest(
  schema: Schema,
  spec: PartitionSpec,
  entries: readonly ManifestEntry[],
): Promise<Uint8Array> {
  const metadata = new Map([
    ['schema', JSON.stringify(schema)],
    ['schema-id', String(schema['schema-id'])],
    ['partition-spec', JSON.stringify(spec.fields)],
    ['partition-spec-id', String(spec['spec-id'])],
    ['format-version', '2'],
    ['content', 'data'],
  ]);
  const names = spec.fields.map((field) => field.name);
  return writeAvroFile(
    entrySchema(schema, spec),
    metadata,
    entries.map((entry) => entryRecord(entry, names)),
  );
}

/** Entries as they stand in the file; see `inherited`. */
export async function readManifest(bytes: Uint8Array, spec: PartitionSpec): Promise<readonly ManifestEntry[]> {
  const { records } = await readAvroFile(bytes);
  const names = spec.fields.map((field) => field.name);
  return records.map((entry) => parsedEntry(entry as unknown as EntryRecord, names));
}

/** What an entry just added takes from its manifest. */
export function inherited(
  entry: ManifestEntry,
  manifest: { readonly addedSnapshotId: bigint; readonly sequenceNumber: number },
): ManifestEntry {
  return {
    ...entry,
    snapshotId: entry.snapshotId ?? manifest.addedSnapshotId,
    dataSequenceNumber: entry.dataSequenceNumber ?? manifest.sequenceNumber,
    fileSequenceNumber: entry.fileSequenceNumber ?? manifest.sequenceNumber,
  };
}

export function partitionTypes(
  schema: Schema,
  spec: PartitionSpec,
): readonly { readonly source: PrimitiveType; readonly result: PrimitiveType }[] {
  return spec.fields.map((field) => {
    const source = fieldById(schema, field['source-id'])!.type as PrimitiveType;
    return { source, result: parseTransform(field.transform).resultType(source) };
  });
}

function entrySchema(schema: Schema, spec: PartitionSpec): AvroSchema {
  const types = partitionTypes(schema, spec);
  const partition = spec.fields.map((field, index) =>
    optional(field['field-id'], field.name, avroType(types[index].result)),
  );
  return record('manifest_entry', [
    required(0, 'status', 'int'),
    optional(1, 'snapshot_id', 'long'),
    optional(3, 'sequence_number', 'long'),
    optional(4, 'file_sequence_number', 'long'),
    required(2, 'data_file', record('r2', dataFileFields(partition))),
  ]) as AvroSchema;
}

function dataFileFields(partition: readonly AvroField[]): AvroField[] {
  return [
    required(134, 'content', 'int'),
    required(100, 'file_path', 'string'),
    required(101, 'file_format', 'string'),
    required(102, 'partition', record('r102', partition)),
    required(103, 'record_count', 'long'),
    required(104, 'file_size_in_bytes', 'long'),
    optional(108, 'column_sizes', intMap(117, 118, 'long')),
    optional(109, 'value_counts', intMap(119, 120, 'long')),
    optional(110, 'null_value_counts', intMap(121, 122, 'long')),
    optional(137, 'nan_value_counts', intMap(138, 139, 'long')),
    optional(125, 'lower_bounds', intMap(126, 127, 'bytes')),
    optional(128, 'upper_bounds', intMap(129, 130, 'bytes')),
    optional(131, 'key_metadata', 'bytes'),
    optional(132, 'split_offsets', list(133, 'long')),
    optional(135, 'equality_ids', list(136, 'int')),
    optional(140, 'sort_order_id', 'int'),
  ];
}

function avroType(type: PrimitiveType): unknown {
  switch (type) {
    case 'date':
      return { type: 'int', logicalType: 'date' };
    case 'timestamptz':
      return { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true };
    case 'boolean':
    case 'int':
    case 'long':
    case 'string':
      return type;
    case 'binary':
      return 'bytes';
    default:
      // A decimal is a fixed in Avro; K2 partitions by none.
      throw new RangeError(`partitioning by ${type} is not supported`);
  }
}

type IntMapRecord<Value> = readonly { readonly key: number; readonly value: Value }[] | null;

interface EntryRecord {
  readonly status: number;
  readonly snapshot_id: bigint | null;
  readonly sequence_number: bigint | null;
  readonly file_sequence_number: bigint | null;
  readonly data_file: {
    readonly content: number;
    readonly file_path: string;
    readonly file_format: string;
    readonly partition: Readonly<Record<string, PartitionValue>>;
    readonly record_count: bigint;
    readonly file_size_in_bytes: bigint;
    readonly column_sizes: IntMapRecord<bigint>;
    readonly value_counts: IntMapRecord<bigint>;
    readonly null_value_counts: IntMapRecord<bigint>;
    readonly lower_bounds: IntMapRecord<Uint8Array>;
    readonly upper_bounds: IntMapRecord<Uint8Array>;
    readonly split_offsets: readonly bigint[] | null;
    readonly sort_order_id: number | null;
  };
}

function entryRecord(
  { status, snapshotId, dataSequenceNumber, fileSequenceNumber, file }: ManifestEntry,
  names: readonly string[],
): AvroRecord {
  return {
    status: STATUSES.indexOf(status),
    snapshot_id: snapshotId,
    sequence_number: optionalLong(dataSequenceNumber),
    file_sequence_number: optionalLong(fileSequenceNumber),
    data_file: {
      content: 0,
      file_path: file.path,
      file_format: 'PARQUET',
      partition: Object.fromEntries(names.map((name, index) => [name, avroValue(file.partition[index])])),
      record_count: BigInt(file.recordCount),
      file_size_in_bytes: BigInt(file.sizeBytes),
      column_sizes: pairs(file.columnSizes, BigInt),
      value_counts: pairs(file.valueCounts, BigInt),
      null_value_counts: pairs(file.nullValueCounts, BigInt),
      nan_value_counts: null,
      lower_bounds: pairs(file.lowerBounds, Buffer.from),
      upper_bounds: pairs(file.upperBounds, Buffer.from),
      key_metadata: null,
      split_offsets: file.splitOffsets.map(BigInt),
      equality_ids: null,
      sort_order_id: file.sortOrderId,
    },
  };
}

function optionalLong(value: number | null): bigint | null {
  return value === null ? null : BigInt(value);
}

function avroValue(value: PartitionValue): PartitionValue {
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}

function pairs<From, To>(map: ReadonlyMap<number, From>, convert: (value: From) => To): IntMapRecord<To> {
  return Array.from(map, ([key, value]) => ({ key, value: convert(value) }));
}

function parsedEntry(entry: EntryRecord, names: readonly string[]): ManifestEntry {
  const file = entry.data_file;
  if (file.content !== 0)
    throw new UnsupportedFile(`${file.file_path} holds deletes: K2 reads tables of data files only`);
  if (file.file_format.toUpperCase() !== 'PARQUET')
    throw new UnsupportedFile(
      `${file.file_path} is a file of format ${file.file_format}: K2 reads tables of Parquet files only`,
    );
  return {
    status: STATUSES[entry.status],
    snapshotId: entry.snapshot_id,
    dataSequenceNumber: optionalNumber(entry.sequence_number),
    fileSequenceNumber: optionalNumber(entry.file_sequence_number),
    file: {
      path: file.file_path,
      partition: names.map((name) => exactPartitionValue(file.partition[name] ?? null)),
      recordCount: Number(file.record_count),
      sizeBytes: Number(file.file_size_in_bytes),
      columnSizes: mapped(file.column_sizes, Number),
      valueCounts: mapped(file.value_counts, Number),
      nullValueCounts: mapped(file.null_value_counts, Number),
      lowerBounds: mapped(file.lower_bounds, (bytes) => bytes),
      upperBounds: mapped(file.upper_bounds, (bytes) => bytes),
      splitOffsets: (file.split_offsets ?? []).map(Number),
      sortOrderId: file.sort_order_id,
    },
  };
}

function optionalNumber(value: bigint | null): number | null {
  return value === null ? null : Number(value);
}

/** Longs come as BigInts; see `Value`. */
function exactPartitionValue(value: PartitionValue): PartitionValue {
  return typeof value === 'bigint' && BigInt(Number(value)) === value ? Number(value) : value;
}

function mapped<From, To>(entries: IntMapRecord<From>, convert: (value: From) => To): ReadonlyMap<number, To> {
  return new Map((entries ?? []).map(({ key, value }) => [key, convert(value)]));
}
