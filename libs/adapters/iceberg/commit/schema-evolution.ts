import type { TableName } from '@k2/domain/market';
import { PortError, type SchemaChange, type TickStoreError } from '@k2/ports';
import { currentSchema, type TableMetadata } from '../format/metadata.ts';
import { fieldType, icebergType, type Schema, type SchemaField } from '../format/schema.ts';

/** The schema after the changes, under the next schema id, and the largest column id given out so far. */
export interface EvolvedSchema {
  readonly schema: Schema;
  readonly lastColumnId: number;
}

/** Files are never rewritten: columns are found by id, so that old rows survive every change made here. */
export function evolved(table: TableName, metadata: TableMetadata, changes: readonly SchemaChange[]): EvolvedSchema {
  let fields = currentSchema(metadata).fields;
  let lastColumnId = metadata['last-column-id'];
  for (const change of changes) {
    switch (change.kind) {
      case 'add': {
        checkFree(table, fields, change.name);
        const type = icebergType(change.type, lastColumnId + 2);
        const doc = change.doc === undefined ? {} : { doc: change.doc };
        fields = [...fields, { id: lastColumnId + 1, name: change.name, required: false, type, ...doc }];
        lastColumnId += 1 + nestedIds(type);
        break;
      }
      case 'rename': {
        const field = named(table, fields, change.name);
        if (change.to !== change.name) checkFree(table, fields, change.to);
        fields = replaced(fields, { ...field, name: change.to });
        break;
      }
      case 'widen': {
        const field = named(table, fields, change.name);
        if (fieldType(field.type) !== 'int' || change.to !== 'long') {
          throw refusal(
            table,
            `${change.name} cannot be widened from ${String(fieldType(field.type))} to ${change.to}: only int to long can`,
          );
        }
        fields = replaced(fields, { ...field, type: 'long' });
        break;
      }
    }
  }
  const schemaId = Math.max(...metadata.schemas.map((schema) => schema['schema-id'])) + 1;
  return { schema: { type: 'struct', 'schema-id': schemaId, fields }, lastColumnId };
}

function nestedIds(type: SchemaField['type']): number {
  if (typeof type === 'string') return 0;
  return type.type === 'list' ? 1 : 2;
}

function named(table: TableName, fields: readonly SchemaField[], name: string): SchemaField {
  const field = fields.find((candidate) => candidate.name === name);
  if (field === undefined)
    throw refusal(table, `there is no column ${name}: columns are ${fields.map((each) => each.name).join(', ')}`);
  return field;
}

/** SQL engines do not tell `Price` from `price`. */
function checkFree(table: TableName, fields: readonly SchemaField[], name: string): void {
  if (name === '') throw refusal(table, 'a column needs a name');
  const taken = fields.find((field) => field.name.toLowerCase() === name.toLowerCase());
  if (taken !== undefined)
    throw refusal(table, `there is a column ${taken.name} already: choose another name than ${name}`);
}

function replaced(fields: readonly SchemaField[], field: SchemaField): readonly SchemaField[] {
  return fields.map((candidate) => (candidate.id === field.id ? field : candidate));
}

function refusal(table: TableName, what: string): TickStoreError {
  return new PortError('invalid-schema-change', `${table}: ${what}`, { table });
}
