/** An Avro schema, references resolved; recursive records point at themselves. */
export type AvroSchema =
  AvroPrimitiveSchema | AvroRecordSchema | AvroEnumSchema | AvroFixedSchema | AvroCollectionSchema | AvroUnionSchema;

/** With the bytes of a value, where each value has as many. */
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

interface AvroSized {
  /** Bytes of a value, where each value has as many; null where that depends on the value. */
  readonly bytes: number | null;
}

interface AvroLogical {
  /** `timestamp-micros`, `decimal`; null where the schema says none. */
  readonly logicalType: string | null;
  /** Of a decimal, as the schema says them; 0 otherwise. */
  readonly precision: number;
  readonly scale: number;
}

export interface AvroPrimitiveSchema extends AvroLogical, AvroSized {
  readonly kind: keyof typeof PRIMITIVES;
}

interface AvroNames {
  /** With its namespace. */
  readonly name: string;
  /** Other names, with their namespaces, under which writers may know it. */
  readonly aliases: readonly string[];
}

export interface AvroFieldSchema {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly schema: AvroSchema;
  readonly hasDefault: boolean;
}

export interface AvroRecordSchema extends AvroNames, AvroSized {
  readonly kind: 'record';
  readonly fields: readonly AvroFieldSchema[];
}

export interface AvroEnumSchema extends AvroNames, AvroSized {
  readonly kind: 'enum';
  readonly symbols: readonly string[];
  readonly hasDefault: boolean;
}

export interface AvroFixedSchema extends AvroNames, AvroLogical {
  readonly kind: 'fixed';
  readonly bytes: number;
}

export interface AvroCollectionSchema extends AvroSized {
  readonly kind: 'array' | 'map';
  readonly items: AvroSchema;
}

export interface AvroUnionSchema extends AvroSized {
  readonly kind: 'union';
  readonly branches: readonly AvroSchema[];
}

/** A text is no Avro schema. */
export class AvroSchemaError extends Error {
  override readonly name = 'AvroSchemaError';
}

/**
 * The schema that a JSON text declares, by the Avro 1.12 specification ("Schema Declaration"): names, references, unions
 * and defaults are checked. Throws AvroSchemaError, with the place.
 */
export function parseAvroSchema(text: string): AvroSchema {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new AvroSchemaError(`it is not JSON: ${(error as Error).message}`);
  }
  return new SchemaParser().schema(json, '', '');
}

/** As a schema would write it, shortly: for messages. */
export function describeSchema(schema: AvroSchema): string {
  switch (schema.kind) {
    case 'union':
      return `[${schema.branches.map(describeSchema).join(', ')}]`;
    case 'array':
    case 'map':
      return `${schema.kind} of ${describeSchema(schema.items)}`;
    case 'record':
    case 'enum':
    case 'fixed':
      return `${schema.kind} ${schema.name}`;
    default:
      return [schema.kind, logicalName(schema)].filter((part) => part !== null).join(' ');
  }
}

/** `timestamp-micros`, `decimal(18, 8)`; null where the schema says none. */
export function logicalName(schema: AvroSchema): string | null {
  if (!('logicalType' in schema)) return null;
  const { logicalType, precision, scale } = schema;
  return logicalType === 'decimal' ? `decimal(${precision}, ${scale})` : logicalType;
}

type Attributes = Readonly<Record<string, unknown>>;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Deeper schemas, and deeper values of recursive ones, are refused: no tick has any use for them. */
export const AVRO_DEPTH_MAX = 64;

class SchemaParser {
  private readonly named = new Map<string, AvroSchema>();
  private depth = 0;

  schema(json: unknown, namespace: string, at: string): AvroSchema {
    if (this.depth === AVRO_DEPTH_MAX) throw wrong(at, `it is nested deeper than ${AVRO_DEPTH_MAX} types`);
    this.depth++;
    try {
      if (typeof json === 'string') return this.reference(json, namespace, at);
      if (Array.isArray(json)) return this.union(json, namespace, at);
      return this.declared(attributesOf(json, at), namespace, at);
    } finally {
      this.depth--;
    }
  }

  private reference(name: string, namespace: string, at: string): AvroSchema {
    if (isPrimitive(name)) return primitive(name, {});
    const found = this.named.get(qualified(name, namespace)) ?? this.named.get(name);
    if (found === undefined) throw wrong(at, `there is no type ${name}`);
    return found;
  }

  private union(json: readonly unknown[], namespace: string, at: string): AvroUnionSchema {
    const branches = json.map((branch) => this.schema(branch, namespace, at));
    const kinds = branches.map((branch) => ('name' in branch ? branch.name : branch.kind));
    const twice = kinds.find((kind, i) => kinds.indexOf(kind) < i);
    if (kinds.includes('union')) throw wrong(at, 'a union stands directly in a union');
    if (twice !== undefined) throw wrong(at, `the union has two branches ${twice}`);
    return { kind: 'union', bytes: null, branches };
  }

  private declared(json: Attributes, namespace: string, at: string): AvroSchema {
    const { type } = json;
    switch (type) {
      case 'record':
      case 'error':
        return this.record(json, namespace, at);
      case 'enum':
        return this.enumeration(json, namespace, at);
      case 'fixed':
        return this.fixed(json, namespace, at);
      case 'array':
        return { kind: 'array', bytes: null, items: this.schema(json['items'], namespace, `${at}[]`) };
      case 'map':
        return { kind: 'map', bytes: null, items: this.schema(json['values'], namespace, `${at}{}`) };
      default:
        if (isPrimitive(type)) return primitive(type, json);
        return this.schema(type, namespace, at);
    }
  }

  private record(json: Attributes, enclosing: string, at: string): AvroRecordSchema {
    const fields: AvroFieldSchema[] = [];
    const names = namesOf(json, enclosing, at);
    const record = this.define({ kind: 'record' as const, bytes: null as number | null, ...names, fields }, at);
    const path = at === '' ? simpleName(record.name) : at;
    const seen = new Set<string>();
    for (const item of listOf(json, 'fields', path)) {
      const attributes = attributesOf(item, path);
      const name = nameOf(attributes, path);
      const fieldAt = `${path}.${name}`;
      if (seen.has(name)) throw wrong(path, `it has two fields ${name}`);
      seen.add(name);
      const schema = this.schema(attributes['type'], namespaceOf(record.name), fieldAt);
      const hasDefault = 'default' in attributes;
      if (hasDefault && !isValue(attributes['default'], schema)) {
        throw wrong(fieldAt, `its default ${JSON.stringify(attributes['default'])} is no value of its type`);
      }
      fields.push({ name, aliases: aliasesOf(attributes, path), schema, hasDefault });
    }
    record.bytes = sumOf(fields);
    return record;
  }

  private enumeration(json: Attributes, enclosing: string, at: string): AvroEnumSchema {
    const names = namesOf(json, enclosing, at);
    const symbols = listOf(json, 'symbols', at).map((symbol) => {
      if (typeof symbol !== 'string' || !NAME.test(symbol)) throw wrong(at, `${JSON.stringify(symbol)} is no symbol`);
      return symbol;
    });
    if (new Set(symbols).size < symbols.length) throw wrong(at, `the enum ${names.name} has a symbol twice`);
    const hasDefault = 'default' in json;
    if (hasDefault && !symbols.includes(json['default'] as string)) {
      throw wrong(at, `the default ${JSON.stringify(json['default'])} is no symbol of the enum ${names.name}`);
    }
    return this.define({ kind: 'enum', bytes: null, ...names, symbols, hasDefault }, at);
  }

  private fixed(json: Attributes, enclosing: string, at: string): AvroFixedSchema {
    const size = json['size'];
    if (!Number.isSafeInteger(size) || (size as number) < 0) {
      throw wrong(at, `the size of a fixed is ${JSON.stringify(size)}: expected 0 or more`);
    }
    const names = namesOf(json, enclosing, at);
    return this.define({ kind: 'fixed', bytes: size as number, ...names, ...logicalOf(json) }, at);
  }

  private define<Named extends AvroSchema & AvroNames>(schema: Named, at: string): Named {
    if (this.named.has(schema.name)) throw wrong(at, `the type ${schema.name} is defined twice`);
    this.named.set(schema.name, schema);
    return schema;
  }
}

/** Whether a default, as JSON, is a value of the schema; of a union, of any of its branches. */
function isValue(json: unknown, schema: AvroSchema): boolean {
  switch (schema.kind) {
    case 'null':
      return json === null;
    case 'boolean':
      return typeof json === 'boolean';
    case 'int':
      return typeof json === 'number' && (json | 0) === json;
    case 'long':
      // Beyond 2^53 JSON has lost the exact value, and it is still a long.
      return typeof json === 'number' && Number.isInteger(json) && Math.abs(json) <= 2 ** 63;
    case 'float':
    case 'double':
      return typeof json === 'number';
    case 'bytes':
    case 'string':
      return typeof json === 'string';
    case 'fixed':
      return typeof json === 'string' && json.length === schema.bytes;
    case 'enum':
      return typeof json === 'string' && schema.symbols.includes(json);
    case 'array':
      return Array.isArray(json) && json.every((item) => isValue(item, schema.items));
    case 'map':
      return isObject(json) && Object.values(json).every((item) => isValue(item, schema.items));
    case 'union':
      return schema.branches.some((branch) => isValue(json, branch));
    case 'record':
      return (
        isObject(json) &&
        schema.fields.every((field) =>
          field.name in json ? isValue(json[field.name], field.schema) : field.hasDefault,
        )
      );
  }
}

function isPrimitive(name: unknown): name is AvroPrimitiveSchema['kind'] {
  return typeof name === 'string' && Object.hasOwn(PRIMITIVES, name);
}

function primitive(kind: AvroPrimitiveSchema['kind'], json: Attributes): AvroPrimitiveSchema {
  return { kind, bytes: PRIMITIVES[kind], ...logicalOf(json) };
}

/** By the specification one that is not well-formed is no error. */
function logicalOf({ logicalType, precision, scale }: Attributes): AvroLogical {
  const number = (value: unknown) => (logicalType === 'decimal' && typeof value === 'number' ? value : 0);
  return {
    logicalType: typeof logicalType === 'string' ? logicalType : null,
    precision: number(precision),
    scale: number(scale),
  };
}

function sumOf(fields: readonly AvroFieldSchema[]): number | null {
  return fields.reduce<number | null>(
    (sum, { schema }) => (sum === null || schema.bytes === null ? null : sum + schema.bytes),
    0,
  );
}

function namesOf(json: Attributes, enclosing: string, at: string): AvroNames {
  const { name, namespace = enclosing } = json;
  if (typeof name !== 'string' || typeof namespace !== 'string') {
    throw wrong(at, `a ${String(json['type'])} has no name`);
  }
  const full = qualified(name, namespace);
  if (!full.split('.').every((part) => NAME.test(part))) throw wrong(at, `${JSON.stringify(full)} is no name`);
  return { name: full, aliases: aliasesOf(json, at).map((alias) => qualified(alias, namespaceOf(full))) };
}

function nameOf({ name }: Attributes, at: string): string {
  if (typeof name === 'string' && NAME.test(name)) return name;
  throw wrong(at, `${JSON.stringify(name) ?? 'nothing'} is no name of a field`);
}

function aliasesOf({ aliases = [] }: Attributes, at: string): readonly string[] {
  if (Array.isArray(aliases) && aliases.every((alias) => typeof alias === 'string')) return aliases as string[];
  throw wrong(at, `aliases are ${JSON.stringify(aliases)}: expected a list of names`);
}

function listOf(json: Attributes, key: string, at: string): readonly unknown[] {
  const list = json[key];
  if (Array.isArray(list)) return list;
  throw wrong(at, `${key} of a ${String(json['type'])} is ${JSON.stringify(list) ?? 'missing'}: expected a list`);
}

function attributesOf(json: unknown, at: string): Attributes {
  if (isObject(json)) return json;
  throw wrong(at, `there is ${JSON.stringify(json) ?? 'nothing'} where a type is expected`);
}

function isObject(json: unknown): json is Attributes {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function qualified(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function namespaceOf(fullName: string): string {
  return fullName.slice(0, Math.max(fullName.lastIndexOf('.'), 0));
}

/** Without its namespace. */
export function simpleName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1);
}

function wrong(at: string, what: string): AvroSchemaError {
  return new AvroSchemaError(at === '' ? what : `${at}: ${what}`);
}
