/** Avro schemas as Iceberg wants them: every field, element, key and value carries its field id. */

export interface AvroField {
  readonly name: string;
  readonly type: unknown;
  readonly 'field-id': number;
}

export function required(id: number, name: string, type: unknown): AvroField {
  return { name, type, 'field-id': id };
}

export function optional(id: number, name: string, type: unknown): AvroField {
  return { name, type: ['null', type], default: null, 'field-id': id } as AvroField;
}

export function record(name: string, fields: readonly AvroField[]) {
  return { type: 'record', name, fields };
}

export function list(elementId: number, items: unknown) {
  return { type: 'array', items, 'element-id': elementId };
}

/** Maps whose keys are no strings are arrays of key-value records (table spec, Appendix A). */
export function intMap(keyId: number, valueId: number, value: unknown) {
  return {
    type: 'array',
    items: record(`k${keyId}_v${valueId}`, [required(keyId, 'key', 'int'), required(valueId, 'value', value)]),
    logicalType: 'map',
  };
}
