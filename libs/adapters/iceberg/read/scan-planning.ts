import type { TimeSpan } from '@k2/domain/lake';
import type { ScanFile, ScanPlan, ScanRequest } from '@k2/ports';
import { currentSchema, schemaById, specById, type Snapshot, type TableMetadata } from '../format/metadata.ts';
import { partitionTypes, type DataFile } from '../format/manifest.ts';
import { summaryRange, type ManifestFile } from '../format/manifest-list.ts';
import { fieldType, type PartitionSpec, type PrimitiveType, type Schema } from '../format/schema.ts';
import { deserializeValue } from '../format/single-value.ts';
import type { TableFiles } from '../table-files.ts';
import { alterationsOf } from './alterations.ts';
import { canMatch, canMatchPartition, scanPredicates, type Predicate } from './predicates.ts';

/**
 * The files of a snapshot that can hold matching rows. Manifests are left out by their partition ranges, unread; files
 * by their partition, and by the bounds of their columns.
 */
export async function planScan(
  request: ScanRequest,
  metadata: TableMetadata,
  snapshot: Snapshot | null,
  files: TableFiles,
  keyOf: (path: string) => string,
): Promise<ScanPlan> {
  const schema = requestedSchema(request, metadata, snapshot);
  const fields = scanFields(schema);
  const alterations = await alterationsOf(metadata, snapshot, files);
  if (snapshot === null)
    return { table: request.table, snapshotId: null, committedUs: null, fields, files: [], filesTotal: 0, alterations };

  const own = snapshotSchema(metadata, snapshot);
  const predicates = scanPredicates(request, metadata);
  const timeId = fields.find(({ name, type }) => name === 'timestamp' && type === 'timestamp')?.id;
  const manifests = await files.manifests(snapshot);
  const planned: ScanFile[] = [];
  for (const manifest of manifests) {
    const spec = specById(metadata, manifest.partitionSpecId);
    const types = partitionTypes(currentSchema(metadata), spec).map(({ result }) => result);
    if (!manifestCanMatch(manifest, spec, types, predicates)) continue;
    for (const { status, file } of await files.entries(metadata, manifest)) {
      if (status === 'deleted' || !fileCanMatch(file, spec, predicates)) continue;
      const { recordCount: rowCount, sizeBytes } = file;
      planned.push({ key: keyOf(file.path), rowCount, sizeBytes, timeSpan: timeSpanOf(file, timeId) });
    }
  }
  return {
    table: request.table,
    snapshotId: snapshot['snapshot-id'],
    committedUs: snapshot['timestamp-ms'] * 1_000,
    fields,
    ...(own !== schema && { snapshotFields: scanFields(own) }),
    files: planned,
    filesTotal: manifests.reduce((sum, manifest) => sum + manifest.addedFiles + manifest.existingFiles, 0),
    alterations,
  };
}

/** The newest state is read with the schema of now; an earlier one with the schema that it had. */
function requestedSchema({ asOf }: ScanRequest, metadata: TableMetadata, snapshot: Snapshot | null): Schema {
  return asOf.kind === 'latest' || snapshot === null ? currentSchema(metadata) : snapshotSchema(metadata, snapshot);
}

function snapshotSchema(metadata: TableMetadata, snapshot: Snapshot): Schema {
  const id = snapshot['schema-id'];
  return id === undefined ? currentSchema(metadata) : schemaById(metadata, id);
}

function scanFields(schema: Schema): ScanPlan['fields'] {
  return schema.fields.flatMap(({ id, name, type, required }) => {
    const known = fieldType(type);
    return known === null ? [] : [{ id, name, type: known, required }];
  });
}

function manifestCanMatch(
  manifest: ManifestFile,
  spec: PartitionSpec,
  types: readonly PrimitiveType[],
  predicates: readonly Predicate[],
): boolean {
  return spec.fields.every((field, index) => {
    const summary = manifest.partitions[index];
    const range = summary === undefined ? null : summaryRange(summary, types[index]);
    if (range === null) return true;
    return of(field['source-id'], predicates).every((predicate) =>
      canMatchPartition(predicate, field.transform, range.min, range.max),
    );
  });
}

function fileCanMatch(file: DataFile, spec: PartitionSpec, predicates: readonly Predicate[]): boolean {
  const partitionMatches = spec.fields.every((field, index) => {
    const value = file.partition[index];
    if (value === null) return true;
    return of(field['source-id'], predicates).every((predicate) =>
      canMatchPartition(predicate, field.transform, value, value),
    );
  });
  return partitionMatches && predicates.every((predicate) => boundsCanMatch(file, predicate));
}

function boundsCanMatch({ lowerBounds, upperBounds }: DataFile, predicate: Predicate): boolean {
  const bound = (bytes: Uint8Array | undefined) =>
    bytes === undefined ? null : deserializeValue(predicate.type, bytes);
  return canMatch(predicate, bound(lowerBounds.get(predicate.fieldId)), bound(upperBounds.get(predicate.fieldId)));
}

function timeSpanOf({ lowerBounds, upperBounds }: DataFile, timeId: number | undefined): TimeSpan | null {
  const lower = timeId === undefined ? undefined : lowerBounds.get(timeId);
  const upper = timeId === undefined ? undefined : upperBounds.get(timeId);
  if (lower === undefined || upper === undefined) return null;
  return {
    minUs: Number(deserializeValue('timestamptz', lower)),
    maxUs: Number(deserializeValue('timestamptz', upper)),
  };
}

function of(fieldId: number, predicates: readonly Predicate[]): readonly Predicate[] {
  return predicates.filter((predicate) => predicate.fieldId === fieldId);
}
