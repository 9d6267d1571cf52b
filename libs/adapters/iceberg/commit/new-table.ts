import type { RecordSchema } from '@k2/domain/market';
import { PortError, type TickStoreError } from '@k2/ports';
import { currentSchema, fieldById, type TableMetadata } from '../format/metadata.ts';
import { fieldType, lastColumnId, lastPartitionId, partitionSpecOf, schemaOf, sortOrderOf } from '../format/schema.ts';
import { withLastCommit, type LastCommit } from './custody.ts';

/** The first metadata of a table: no snapshot yet. */
export function newTable(
  record: RecordSchema,
  {
    location,
    uuid,
    createdMs,
    metadataVersionsMax,
    isRemade,
  }: {
    location: string;
    uuid: string;
    createdMs: number;
    metadataVersionsMax: number;
    /** The log was read for it before: another engine has dropped the table that had these rows. */
    isRemade: boolean;
  },
): TableMetadata {
  const schema = schemaOf(record);
  const spec = partitionSpecOf(record);
  const sortOrder = sortOrderOf(record);
  return {
    'format-version': 2,
    'table-uuid': uuid,
    location,
    'last-sequence-number': 0,
    'last-updated-ms': createdMs,
    'last-column-id': lastColumnId(schema),
    'current-schema-id': schema['schema-id'],
    schemas: [schema],
    'default-spec-id': spec['spec-id'],
    'partition-specs': [spec],
    'last-partition-id': lastPartitionId(spec),
    'default-sort-order-id': sortOrder['order-id'],
    'sort-orders': [sortOrder],
    // Other engines that write here keep to the same rules.
    properties: {
      ...(isRemade ? withLastCommit({}, droppedBefore(createdMs)) : {}),
      'write.parquet.compression-codec': 'zstd',
      'write.metadata.previous-versions-max': String(metadataVersionsMax),
      'write.metadata.delete-after-commit.enabled': 'true',
    },
    refs: {},
    snapshots: [],
    'snapshot-log': [],
    'metadata-log': [],
  };
}

function droppedBefore(createdMs: number): LastCommit {
  const nobodyKnows = { exchange: null, fromUs: null, toUs: null, removedRows: 0, addedRows: 0, snapshotId: null };
  const drop = { cause: 'other-engine', ...nobodyKnows, committedUs: createdMs * 1_000, operation: 'drop' } as const;
  return { snapshotId: null, rowCount: 0, alterations: [drop] };
}

/** Rows are written by field id: a table that lacks one, or has it as another type, cannot take them. */
export function checkFits(record: RecordSchema, metadata: TableMetadata): void {
  const schema = currentSchema(metadata);
  for (const { id, name, type } of record.fields) {
    const field = fieldById(schema, id);
    const actual = field === undefined ? null : fieldType(field.type);
    if (actual === type || (type === 'int' && actual === 'long')) continue;
    throw new PortError(
      'invalid-schema-change',
      `${record.table} has ${actual === null ? 'no column' : `a column of type ${actual}`} under field id ${id}, where K2 writes ${name} (${type}): another engine dropped or replaced it, or another version of K2 made the table; return the table to the schema it had, or run that version`,
      { table: record.table, fieldId: id, expected: type, actual },
    ) satisfies TickStoreError;
  }
}
