import type { FieldType, RecordField, RecordSchema } from '@k2/domain/market';

/** The types of the Iceberg table spec (format v2) that K2's tables use. Property names are the spec's own. */

export type PrimitiveType =
  'boolean' | 'int' | 'long' | 'date' | 'timestamptz' | 'string' | 'binary' | `decimal(${number}, ${number})`;

export interface ListType {
  readonly type: 'list';
  readonly 'element-id': number;
  readonly element: 'string';
  readonly 'element-required': boolean;
}

export interface MapType {
  readonly type: 'map';
  readonly 'key-id': number;
  readonly key: 'string';
  readonly 'value-id': number;
  readonly value: 'string';
  readonly 'value-required': boolean;
}

export type IcebergType = PrimitiveType | ListType | MapType;

export interface SchemaField {
  readonly id: number;
  readonly name: string;
  readonly required: boolean;
  readonly type: IcebergType;
  readonly doc?: string;
}

export interface Schema {
  readonly type: 'struct';
  readonly 'schema-id': number;
  readonly fields: readonly SchemaField[];
}

export interface PartitionField {
  readonly 'source-id': number;
  readonly 'field-id': number;
  readonly name: string;
  /** `identity`, `day`, `bucket[16]`, … */
  readonly transform: string;
}

export interface PartitionSpec {
  readonly 'spec-id': number;
  readonly fields: readonly PartitionField[];
}

export interface SortField {
  readonly transform: string;
  readonly 'source-id': number;
  readonly direction: 'asc' | 'desc';
  readonly 'null-order': 'nulls-first' | 'nulls-last';
}

export interface SortOrder {
  readonly 'order-id': number;
  readonly fields: readonly SortField[];
}

export const DECIMAL_TYPE: PrimitiveType = 'decimal(18, 8)';

/** `nestedId`: the element's id of a list; the key's id of a map, the value's being the next. */
export function icebergType(type: FieldType, nestedId?: number): IcebergType {
  switch (type) {
    case 'string':
    case 'int':
    case 'long':
    case 'binary':
      return type;
    case 'timestamp':
      return 'timestamptz';
    case 'decimal':
      return DECIMAL_TYPE;
    case 'string-list':
      return { type: 'list', 'element-id': nestedId!, element: 'string', 'element-required': true };
    case 'string-map':
      return {
        type: 'map',
        'key-id': nestedId!,
        key: 'string',
        'value-id': nestedId! + 1,
        value: 'string',
        'value-required': true,
      };
  }
}

/** The inverse of `icebergType`; null for a type that no K2 field has. */
export function fieldType(type: IcebergType): FieldType | null {
  if (typeof type !== 'string') return type.type === 'list' ? 'string-list' : 'string-map';
  switch (type) {
    case 'string':
    case 'int':
    case 'long':
    case 'binary':
      return type;
    case 'timestamptz':
      return 'timestamp';
    case DECIMAL_TYPE:
      return 'decimal';
    default:
      return null;
  }
}

export function schemaOf(record: RecordSchema): Schema {
  return { type: 'struct', 'schema-id': 0, fields: record.fields.map(schemaField) };
}

function schemaField({ id, name, required, type, nestedId, doc }: RecordField): SchemaField {
  return { id, name, required, type: icebergType(type, nestedId), doc };
}

/** The largest id of a schema, nested ones included. */
export function lastColumnId(schema: Schema): number {
  return Math.max(0, ...schema.fields.flatMap(fieldIds));
}

function fieldIds({ id, type }: SchemaField): number[] {
  if (typeof type === 'string') return [id];
  return type.type === 'list' ? [id, type['element-id']] : [id, type['key-id'], type['value-id']];
}

/** Partition field ids start here (table spec, "Partition evolution"). */
const PARTITION_FIELD_ID_FIRST = 1000;

/** Partition fields are named `<source>_<transform>`, identity ones as their source. */
export function partitionSpecOf(record: RecordSchema): PartitionSpec {
  return {
    'spec-id': 0,
    fields: record.partitionBy.map(({ field, transform }, index) => ({
      'source-id': idOf(record, field),
      'field-id': PARTITION_FIELD_ID_FIRST + index,
      name: transform === 'identity' ? field : `${field}_${transform}`,
      transform,
    })),
  };
}

export function lastPartitionId(spec: PartitionSpec): number {
  return Math.max(PARTITION_FIELD_ID_FIRST - 1, ...spec.fields.map((field) => field['field-id']));
}

export function sortOrderOf(record: RecordSchema): SortOrder {
  return {
    'order-id': 1,
    fields: record.sortBy.map((field) => ({
      transform: 'identity',
      'source-id': idOf(record, field),
      direction: 'asc',
      'null-order': 'nulls-first',
    })),
  };
}

function idOf(record: RecordSchema, name: string): number {
  return record.fields.find((field) => field.name === name)!.id;
}
