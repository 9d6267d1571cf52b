import { CodecError } from './avro-reader.ts';

/** A type of a writer's schema, as far as reading or passing over its values needs it. */
export type AvroType = AvroPrimitive | AvroNamed | AvroCollection | AvroUnion | AvroRecord;

interface AvroBase {
  /** Bytes of a value, where each value has as many; null where that depends on the value. */
  readonly bytes: number | null;
}

export interface AvroPrimitive extends AvroBase {
  readonly kind: keyof typeof PRIMITIVES;
  readonly logicalType: string | null;
  readonly precision: number;
  readonly scale: number;
}

export interface AvroNamed extends AvroBase {
  readonly kind: 'enum' | 'fixed';
  readonly name: string;
}

export interface AvroCollection extends AvroBase {
  readonly kind: 'array' | 'map';
  readonly items: AvroType;
}

export interface AvroUnion extends AvroBase {
  readonly kind: 'union';
  readonly branches: readonly AvroType[];
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroType;
  readonly hasDefault: boolean;
}

export interface AvroRecord extends AvroBase {
  readonly kind: 'record';
  /** Full name, with its namespace. */
  readonly name: string;
  readonly fields: readonly AvroField[];
}

const PRIMITIVES = {
  null: 0,
  boolean: 1,
  int: null,
  long: null,
  float: 4,
  double: 8,
  bytes: null,
  string: null,
} as const;

/** Deeper schemas, and deeper values of recursive ones, are refused: no tick has any use for them. */
export const AVRO_DEPTH_MAX = 64;

/** The type that a schema's JSON text declares, references to named types resolved. Throws CodecError. */
export function parseAvroType(text: string): AvroType {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new CodecError(`the schema is not JSON: ${(error as Error).message}`);
  }
  return new SchemaParser().type(json, '', 0);
}

/** As a schema would write it, shortly: for messages. */
export function describeType(type: AvroType): string {
  switch (type.kind) {
    case 'union':
      return `[${type.branches.map(describeType).join(', ')}]`;
    case 'array':
    case 'map':
      return `${type.kind} of ${describeType(type.items)}`;
    case 'record':
    case 'enum':
    case 'fixed':
      return `${type.kind} ${type.name}`;
    default:
      if (type.logicalType === 'decimal') return `${type.kind} decimal(${type.precision}, ${type.scale})`;
      return type.logicalType === null ? type.kind : `${type.kind} ${type.logicalType}`;
  }
}

type Attributes = Readonly<Record<string, unknown>>;

class SchemaParser {
  private readonly named = new Map<string, AvroType>();

  type(json: unknown, namespace: string, depth: number): AvroType {
    if (depth > AVRO_DEPTH_MAX) throw new CodecError(`the schema is nested deeper than ${AVRO_DEPTH_MAX} types`);
    if (typeof json === 'string') return this.reference(json, namespace);
    if (Array.isArray(json)) {
      return { kind: 'union', bytes: null, branches: json.map((branch) => this.type(branch, namespace, depth + 1)) };
    }
    const attributes = objectOf(json);
    const { type } = attributes;
    switch (type) {
      case 'array':
        return { kind: type, bytes: null, items: this.type(attributes['items'], namespace, depth + 1) };
      case 'map':
        return { kind: type, bytes: null, items: this.type(attributes['values'], namespace, depth + 1) };
      case 'record':
      case 'error':
        return this.record(attributes, namespace, depth);
      case 'enum':
        return this.define({ kind: 'enum', name: fullName(attributes, namespace), bytes: null });
      case 'fixed':
        return this.define({
          kind: 'fixed',
          name: fullName(attributes, namespace),
          bytes: wholeNumber(attributes, 'size'),
        });
      default:
        return isPrimitive(type) ? primitive(type, attributes) : this.type(type, namespace, depth + 1);
    }
  }

  private reference(name: string, namespace: string): AvroType {
    if (isPrimitive(name)) return primitive(name, {});
    const type = this.named.get(name.includes('.') || namespace === '' ? name : `${namespace}.${name}`);
    if (type === undefined) throw new CodecError(`the schema refers to a type ${name} that it does not define`);
    return type;
  }

  private record(attributes: Attributes, enclosing: string, depth: number): AvroType {
    const name = fullName(attributes, enclosing);
    const namespace = name.slice(0, Math.max(name.lastIndexOf('.'), 0));
    const fields: AvroField[] = [];
    const record = { kind: 'record' as const, name, fields, bytes: null as number | null };
    this.define(record);
    if (!Array.isArray(attributes['fields'])) throw new CodecError(`the record ${name} of the schema has no fields`);
    for (const json of attributes['fields'] as unknown[]) {
      const field = objectOf(json);
      fields.push({
        name: text(field, 'name'),
        type: this.type(field['type'], namespace, depth + 1),
        hasDefault: 'default' in field,
      });
    }
    record.bytes = fields.reduce<number | null>(
      (sum, { type }) => (sum === null || type.bytes === null ? null : sum + type.bytes),
      0,
    );
    return record;
  }

  private define(type: AvroNamed | AvroRecord): AvroType {
    if (this.named.has(type.name)) throw new CodecError(`the schema defines ${type.name} twice`);
    this.named.set(type.name, type);
    return type;
  }
}

function isPrimitive(name: unknown): name is keyof typeof PRIMITIVES {
  return typeof name === 'string' && Object.hasOwn(PRIMITIVES, name);
}

/** By the specification a logical type that is not well-formed is no error: it is only not that type. */
function primitive(kind: keyof typeof PRIMITIVES, { logicalType, precision, scale }: Attributes): AvroPrimitive {
  return {
    kind,
    bytes: PRIMITIVES[kind],
    logicalType: typeof logicalType === 'string' ? logicalType : null,
    precision: typeof precision === 'number' ? precision : 0,
    scale: typeof scale === 'number' ? scale : 0,
  };
}

function fullName(attributes: Attributes, enclosing: string): string {
  const name = text(attributes, 'name');
  if (name.includes('.')) return name;
  const namespace = 'namespace' in attributes ? text(attributes, 'namespace') : enclosing;
  return namespace === '' ? name : `${namespace}.${name}`;
}

function objectOf(json: unknown): Attributes {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Attributes;
  throw new CodecError(`the schema has ${JSON.stringify(json) ?? 'nothing'} where a type is expected`);
}

function text(attributes: Attributes, key: string): string {
  const value = attributes[key];
  if (typeof value === 'string') return value;
  throw new CodecError(
    `the ${key} of a type in the schema is ${JSON.stringify(value) ?? 'missing'}: expected a string`,
  );
}

function wholeNumber(attributes: Attributes, key: string): number {
  const value = attributes[key];
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new CodecError(
    `the ${key} of a type in the schema is ${JSON.stringify(value) ?? 'missing'}: expected 0 or more`,
  );
}
