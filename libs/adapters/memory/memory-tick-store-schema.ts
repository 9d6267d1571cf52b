import type { FieldType, RecordSchema, TableName } from '@k2/domain/market';
import { PortError, type ScanField, type SchemaChange, type TickStoreErrorKind } from '@k2/ports';

/** Ids that a field of the type takes: its own, a list's element, a map's key and value. */
function idsTaken(type: FieldType): number {
  if (type === 'string-list') return 2;
  return type === 'string-map' ? 3 : 1;
}

export function firstFreeId(schema: RecordSchema): number {
  const last = schema.fields.map(({ id, type, nestedId = id }) =>
    Math.max(id, nestedId + Math.max(idsTaken(type) - 2, 0)),
  );
  return 1 + Math.max(0, ...last);
}

/** The fields after all changes, in order. Throws `invalid-schema-change` at the first that old rows do not survive. */
export function evolvedFields(
  table: TableName,
  fields: readonly ScanField[],
  firstId: number,
  changes: readonly SchemaChange[],
): { readonly fields: readonly ScanField[]; readonly nextFieldId: number } {
  const evolved = [...fields];
  let nextFieldId = firstId;
  const refuse = (change: SchemaChange, why: string) =>
    new PortError<TickStoreErrorKind>(
      'invalid-schema-change',
      `${table}: cannot ${change.kind} ${change.name}: ${why}`,
      { table, change },
    );
  const indexOf = (name: string) => evolved.findIndex((field) => field.name === name);
  for (const change of changes) {
    const index = indexOf(change.name);
    const newName = change.kind === 'rename' ? change.to : change.kind === 'add' ? change.name : null;
    if (newName === '') throw refuse(change, 'a field needs a name');
    if (change.kind !== 'add' && index < 0) throw refuse(change, 'there is no such field');
    if (newName !== null && indexOf(newName) >= 0) throw refuse(change, `there is a field ${newName} already`);
    switch (change.kind) {
      case 'add':
        evolved.push({ id: nextFieldId, name: change.name, type: change.type, required: false });
        nextFieldId += idsTaken(change.type);
        break;
      case 'rename':
        evolved[index] = { ...evolved[index], name: change.to };
        break;
      case 'widen':
        if (evolved[index].type !== 'int' || change.to !== 'long') {
          throw refuse(change, `${evolved[index].type} to ${change.to} is not a widening; int to long is the only one`);
        }
        evolved[index] = { ...evolved[index], type: 'long' };
        break;
    }
  }
  return { fields: evolved, nextFieldId };
}
