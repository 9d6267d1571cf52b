import type { TableName } from '@k2/domain/market';
import { PortError, type TableMaintenanceError } from '@k2/ports';
import { currentSchema, defaultSortOrder, fieldById, type TableMetadata } from '../format/metadata.ts';
import { fieldType, type SchemaField } from '../format/schema.ts';
import type { FileField } from '../write/write-job.ts';
import type { SortKey } from './rewrite-job.ts';

/** All columns of a table as its schema is now: a rewritten file that lacks one has lost its values. */
export function rewritableColumns(table: TableName, metadata: TableMetadata): readonly FileField[] {
  return currentSchema(metadata).fields.map((field) => {
    const type = fieldType(field.type);
    const nestedId = rewritableNestedId(field);
    if (type !== null && nestedId !== undefined) return { ...field, type, nestedId };
    throw new PortError(
      'not-allowed',
      `${table} has a column ${field.name} of a type that K2 does not write (${JSON.stringify(field.type)}): its files cannot be rewritten here; compact it with the engine that added the column`,
      { table, column: field.name },
    ) satisfies TableMaintenanceError;
  });
}

/** Null for a column that is no list or map; undefined for one that K2 would write otherwise than it is. */
function rewritableNestedId({ type }: SchemaField): number | null | undefined {
  if (typeof type === 'string') return null;
  // What other engines add may have elements of any type.
  const members: readonly unknown[] = type.type === 'list' ? [type.element] : [type.key, type.value];
  if (members.some((member) => member !== 'string')) return undefined;
  if (type.type === 'list') return type['element-id'];
  return type['value-id'] === type['key-id'] + 1 ? type['key-id'] : undefined;
}

/** How a table's files are sorted: by which columns, and under which id files say so. */
export interface FileOrder {
  /** Null: by no order that files could be said to have. */
  readonly orderId: number | null;
  readonly keys: readonly SortKey[];
}

/** An order by transformed values, which other engines may set, is one that K2 does not sort by. */
export function fileOrder(metadata: TableMetadata): FileOrder {
  const order = defaultSortOrder(metadata);
  if (order.fields.length === 0 || order.fields.some(({ transform }) => transform !== 'identity'))
    return { orderId: null, keys: [] };
  const schema = currentSchema(metadata);
  return {
    orderId: order['order-id'],
    keys: order.fields.map((field) => ({
      name: fieldById(schema, field['source-id'])!.name,
      direction: field.direction,
      nullOrder: field['null-order'],
    })),
  };
}
