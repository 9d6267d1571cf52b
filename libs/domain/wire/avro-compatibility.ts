import {
  logicalName,
  simpleName,
  type AvroRecordSchema,
  type AvroSchema,
  type AvroUnionSchema,
} from './avro-schema.ts';

export { AvroSchemaError, parseAvroSchema, type AvroSchema } from './avro-schema.ts';

/**
 * What a reader's schema cannot read of records written with the writer's, each with its path (`Trade.series[].symbol`);
 * empty where every such record can be read. By the Avro 1.12 specification ("Schema Resolution"), stricter in one
 * thing that would be wrong in silence: one logical type is not read as another, so no price or time changes its unit.
 */
export function readIncompatibilities(reader: AvroSchema, writer: AvroSchema): readonly string[] {
  return new Comparison()
    .differences(reader, writer)
    .map(({ path, what }) => (path === '' ? what : `${path}: ${what}`));
}

/** What is wrong, and where below the types compared. */
interface Difference {
  readonly path: string;
  readonly what: string;
}

const PROMOTIONS: Readonly<Record<string, readonly AvroSchema['kind'][]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
};

const NONE: readonly Difference[] = [];

class Comparison {
  /** Results by pair of records; a pair being compared counts as readable, which is what ends a recursion. */
  private readonly known = new Map<AvroSchema, Map<AvroSchema, readonly Difference[]>>();

  differences(reader: AvroSchema, writer: AvroSchema): readonly Difference[] {
    if (writer.kind === 'union') return writer.branches.flatMap((branch) => this.differences(reader, branch));
    if (reader.kind === 'union') return this.inUnion(reader, writer);
    if (reader.kind === 'record' && writer.kind === 'record') return this.inRecord(reader, writer);
    if ((reader.kind === 'array' || reader.kind === 'map') && reader.kind === writer.kind) {
      return below(reader.kind === 'array' ? '[]' : '{}', this.differences(reader.items, writer.items));
    }
    if (reader.kind === 'enum' && writer.kind === 'enum') {
      if (!haveSameName(reader, writer)) return renamed(reader, writer);
      const unknown = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol));
      if (unknown.length === 0 || reader.hasDefault) return NONE;
      return here(`${described(reader)} lacks ${unknown.join(', ')} of the older one, and has no default`);
    }
    if (reader.kind === 'fixed' && writer.kind === 'fixed') {
      if (!haveSameName(reader, writer)) return renamed(reader, writer);
      if (reader.bytes !== writer.bytes) {
        return here(`${described(reader)} has ${reader.bytes} bytes, the older one ${writer.bytes}`);
      }
      return logicalDifference(reader, writer);
    }
    if (reader.kind === writer.kind) return logicalDifference(reader, writer);
    if (!PROMOTIONS[writer.kind]?.includes(reader.kind)) {
      return here(`${described(writer)} cannot be read as ${described(reader)}`);
    }
    return logicalDifference(reader, writer);
  }

  /** The reader takes the first branch that fits; where none does, the one meant says more than that none does. */
  private inUnion(reader: AvroUnionSchema, writer: AvroSchema): readonly Difference[] {
    let meant: readonly Difference[] | null = null;
    for (const branch of reader.branches) {
      const found = this.differences(branch, writer);
      if (found.length === 0) return NONE;
      if (isMeant(branch, writer)) meant = found;
    }
    return meant ?? here(`the union has no branch that reads ${described(writer)}`);
  }

  private inRecord(reader: AvroRecordSchema, writer: AvroRecordSchema): readonly Difference[] {
    const ofReader = this.known.get(reader) ?? new Map<AvroSchema, readonly Difference[]>();
    this.known.set(reader, ofReader);
    const known = ofReader.get(writer);
    if (known !== undefined) return known;
    ofReader.set(writer, NONE);
    const found = haveSameName(reader, writer) ? this.inFields(reader, writer) : renamed(reader, writer);
    ofReader.set(writer, found);
    return found;
  }

  private inFields(reader: AvroRecordSchema, writer: AvroRecordSchema): readonly Difference[] {
    return reader.fields.flatMap(({ name, aliases, schema, hasDefault }) => {
      const written = [name, ...aliases]
        .map((candidate) => writer.fields.find((field) => field.name === candidate))
        .find((field) => field !== undefined);
      const path = `${simpleName(reader.name)}.${name}`;
      if (written !== undefined) return below(path, this.differences(schema, written.schema));
      return hasDefault ? NONE : [{ path, what: 'the older schema lacks the field, and it has no default' }];
    });
  }
}

/** Decimals of two scales, or milliseconds read as microseconds, would decode without an error, to other values. */
function logicalDifference(reader: AvroSchema, writer: AvroSchema): readonly Difference[] {
  const ofReader = logicalName(reader);
  const ofWriter = logicalName(writer);
  if (ofReader === ofWriter || ofReader === null || ofWriter === null) return NONE;
  return here(`${described(writer)} of the older schema would be taken for ${described(reader)}`);
}

function isMeant(branch: AvroSchema, writer: AvroSchema): boolean {
  if (branch.kind !== writer.kind) return false;
  return !('name' in branch) || !('name' in writer) || haveSameName(branch, writer);
}

interface Named {
  readonly name: string;
  readonly aliases: readonly string[];
}

/** Namespaces may differ, says the specification; aliases are the reader's. */
function haveSameName(reader: Named, writer: Named): boolean {
  return simpleName(reader.name) === simpleName(writer.name) || reader.aliases.includes(writer.name);
}

function renamed(reader: AvroSchema & Named, writer: AvroSchema & Named): readonly Difference[] {
  return here(`${described(reader)} is called ${simpleName(writer.name)} in the older schema, and has no such alias`);
}

function described(schema: AvroSchema): string {
  if (schema.kind === 'record' || schema.kind === 'enum') return `the ${schema.kind} ${simpleName(schema.name)}`;
  const what = schema.kind === 'fixed' ? `the fixed ${simpleName(schema.name)}` : schema.kind;
  const logical = logicalName(schema);
  return logical === null ? what : `${what} ${logical}`;
}

function here(what: string): readonly Difference[] {
  return [{ path: '', what }];
}

/** Paths continue below a field or item: of the records within, only what follows their name. */
function below(step: string, found: readonly Difference[]): readonly Difference[] {
  return found.map(({ path, what }) => ({ path: step + path.replace(/^[^.[{]*/, ''), what }));
}
