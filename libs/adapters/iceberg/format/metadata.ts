import type { PartitionSpec, Schema, SchemaField, SortOrder } from './schema.ts';

/** Table metadata, format v2 (table spec, "Table Metadata"). Property names are the spec's own. */
export interface TableMetadata {
  readonly 'format-version': 2;
  readonly 'table-uuid': string;
  readonly location: string;
  readonly 'last-sequence-number': number;
  readonly 'last-updated-ms': number;
  readonly 'last-column-id': number;
  readonly 'current-schema-id': number;
  readonly schemas: readonly Schema[];
  readonly 'default-spec-id': number;
  readonly 'partition-specs': readonly PartitionSpec[];
  readonly 'last-partition-id': number;
  readonly 'default-sort-order-id': number;
  readonly 'sort-orders': readonly SortOrder[];
  readonly properties: Readonly<Record<string, string>>;
  readonly 'current-snapshot-id'?: bigint;
  readonly refs: Readonly<Record<string, SnapshotRef>>;
  readonly snapshots: readonly Snapshot[];
  readonly 'snapshot-log': readonly { readonly 'timestamp-ms': number; readonly 'snapshot-id': bigint }[];
  readonly 'metadata-log': readonly { readonly 'timestamp-ms': number; readonly 'metadata-file': string }[];
  /** Of other engines; K2 only lets go of those of snapshots that are given up. */
  readonly statistics?: readonly StatisticsFile[];
  readonly 'partition-statistics'?: readonly StatisticsFile[];
}

export interface StatisticsFile {
  readonly 'snapshot-id': bigint;
  readonly 'statistics-path': string;
}

export interface Snapshot {
  readonly 'snapshot-id': bigint;
  readonly 'parent-snapshot-id'?: bigint;
  readonly 'sequence-number': number;
  readonly 'timestamp-ms': number;
  readonly 'manifest-list': string;
  readonly 'schema-id'?: number;
  readonly summary: Readonly<Record<string, string>> & { readonly operation: string };
}

export interface SnapshotRef {
  readonly 'snapshot-id': bigint;
  readonly type: 'branch' | 'tag';
  readonly 'min-snapshots-to-keep'?: number;
}

export const MAIN_BRANCH = 'main';

export function currentSchema(metadata: TableMetadata): Schema {
  return schemaById(metadata, metadata['current-schema-id']);
}

export function schemaById(metadata: TableMetadata, id: number): Schema {
  return found(
    metadata.schemas.find((schema) => schema['schema-id'] === id),
    metadata,
    `schema ${id}`,
  );
}

export function specById(metadata: TableMetadata, id: number): PartitionSpec {
  return found(
    metadata['partition-specs'].find((spec) => spec['spec-id'] === id),
    metadata,
    `partition spec ${id}`,
  );
}

export function defaultSpec(metadata: TableMetadata): PartitionSpec {
  return specById(metadata, metadata['default-spec-id']);
}

export function defaultSortOrder(metadata: TableMetadata): SortOrder {
  const id = metadata['default-sort-order-id'];
  return found(
    metadata['sort-orders'].find((order) => order['order-id'] === id),
    metadata,
    `sort order ${id}`,
  );
}

export function fieldById(schema: Schema, id: number): SchemaField | undefined {
  return schema.fields.find((field) => field.id === id);
}

export function currentSnapshot(metadata: TableMetadata): Snapshot | null {
  const id = metadata['current-snapshot-id'];
  return id === undefined ? null : found(snapshotById(metadata, id), metadata, `snapshot ${id}`);
}

export function snapshotById(metadata: TableMetadata, id: bigint): Snapshot | undefined {
  return metadata.snapshots.findLast((snapshot) => snapshot['snapshot-id'] === id);
}

function found<Thing>(thing: Thing | undefined, metadata: TableMetadata, name: string): Thing {
  if (thing === undefined) throw new Error(`the metadata of ${metadata.location} names ${name} and does not hold it`);
  return thing;
}
