import { DECIMAL_PRECISION } from '../market/decimal.ts';
import type { RecordType } from '../market/tick-batch.ts';
import { CodecError } from './avro-reader.ts';
import {
  AvroSchemaError,
  describeSchema,
  parseAvroSchema,
  simpleName,
  type AvroRecordSchema,
  type AvroSchema,
} from './avro-schema.ts';
import { QUOTE_TICK_SCHEMA, SERIES_FIELD_NAMES, TRADE_TICK_SCHEMA } from './tick-schema.ts';

/** What a branch of the writer's union is to the reader. A type that is no union is its only branch. */
export type Branch = 'value' | 'null' | 'refused';

/** A field as its writer wrote it, and what the reader makes of it. */
export interface ResolvedField {
  readonly name: string;
  readonly type: AvroSchema;
  /** Null where the writer's type is no union: what follows is the value. */
  readonly branches: readonly Branch[] | null;
}

/** What to do with the writer's fields, in their order. */
export type Step =
  /** All fields of the series, next to each other. */
  | { readonly kind: 'series'; readonly fields: readonly ResolvedField[] }
  /** Some of them, where other fields stand between. */
  | { readonly kind: 'series-part'; readonly fields: readonly ResolvedField[] }
  | { readonly kind: 'column'; readonly field: ResolvedField }
  | { readonly kind: 'skip'; readonly type: AvroSchema };

export interface TickResolution {
  readonly recordType: RecordType;
  readonly steps: readonly Step[];
  /** The writer's fields of the series, in its order. */
  readonly seriesFields: readonly ResolvedField[];
}

const READERS: readonly { readonly recordType: RecordType; readonly schema: AvroRecordSchema }[] = [
  { recordType: 'trades', schema: parseAvroSchema(JSON.stringify(TRADE_TICK_SCHEMA)) as AvroRecordSchema },
  { recordType: 'quotes', schema: parseAvroSchema(JSON.stringify(QUOTE_TICK_SCHEMA)) as AvroRecordSchema },
];

/**
 * How records of a writer's schema become ticks, by Avro's rules of schema resolution: fields by name in any order,
 * unknown ones passed over, missing ones by their default, int read as long, a union where the other side has none.
 * Stricter in what would be wrong silently: a time has to be timestamp-micros, a decimal of scale 8. Throws CodecError.
 */
export function resolveTicks(writerSchema: string): TickResolution {
  const writer = parsedSchema(writerSchema);
  const name = 'name' in writer ? simpleName(writer.name) : '';
  const reader = READERS.find(({ schema }) => schema.name === `k2.${name}`);
  if (writer.kind !== 'record' || reader === undefined) {
    throw new CodecError(`the writer's schema is ${describeSchema(writer)}: expected a record Trade or Quote`);
  }
  assertComplete(writer, reader.schema);
  const steps = stepsOf(writer, reader.schema);
  return {
    recordType: reader.recordType,
    steps,
    seriesFields: steps.flatMap((step) => ('fields' in step ? step.fields : [])),
  };
}

function parsedSchema(text: string): AvroSchema {
  try {
    return parseAvroSchema(text);
  } catch (error) {
    if (error instanceof AvroSchemaError) throw new CodecError(`the writer's schema cannot be read: ${error.message}`);
    throw error;
  }
}

function assertComplete(writer: AvroRecordSchema, reader: AvroRecordSchema): void {
  const names = new Set<string>();
  for (const { name } of writer.fields) {
    if (names.has(name)) throw new CodecError(`the writer's ${writer.name} has two fields ${name}`);
    names.add(name);
  }
  const missing = reader.fields.find(({ name, hasDefault }) => !hasDefault && !names.has(name));
  if (missing === undefined) return;
  throw new CodecError(`the writer's ${writer.name} has no field ${missing.name}, which has no default`);
}

function stepsOf(writer: AvroRecordSchema, reader: AvroRecordSchema): Step[] {
  const readerTypes = new Map(reader.fields.map(({ name, schema }) => [name, schema]));
  const steps: Step[] = [];
  let run: ResolvedField[] = [];
  let runs = 0;
  for (const { name, schema: type } of writer.fields) {
    const readerType = readerTypes.get(name);
    if (readerType === undefined) {
      run = [];
      steps.push({ kind: 'skip', type });
      continue;
    }
    const field = resolved(name, type, readerType);
    if (!SERIES_FIELD_NAMES.includes(name)) {
      run = [];
      steps.push({ kind: 'column', field });
    } else if (run.push(field) === 1) {
      runs++;
      steps.push({ kind: 'series-part', fields: run });
    }
  }
  if (runs > 1) return steps;
  return steps.map((step) => (step.kind === 'series-part' ? { kind: 'series', fields: step.fields } : step));
}

function resolved(name: string, writer: AvroSchema, reader: AvroSchema): ResolvedField {
  const writerBranches = writer.kind === 'union' ? writer.branches : [writer];
  const readerBranches = reader.kind === 'union' ? reader.branches : [reader];
  const branches = writerBranches.map((branch): Branch => {
    if (!readerBranches.some((type) => isReadAs(branch, type))) return 'refused';
    return branch.kind === 'null' ? 'null' : 'value';
  });
  if (!branches.includes('value')) {
    throw new CodecError(`the writer's field ${name} is ${describeSchema(writer)}: K2 reads ${describeSchema(reader)}`);
  }
  return { name, type: writer, branches: writer.kind === 'union' ? branches : null };
}

function isReadAs(writer: AvroSchema, reader: AvroSchema): boolean {
  switch (reader.kind) {
    case 'array':
    case 'map':
      return writer.kind === reader.kind && isReadAs(writer.items, reader.items);
    case 'long':
      if (reader.logicalType !== null) return writer.kind === 'long' && writer.logicalType === reader.logicalType;
      return writer.kind === 'long' || writer.kind === 'int';
    case 'bytes':
      return (
        writer.kind === 'bytes' &&
        writer.logicalType === reader.logicalType &&
        writer.scale === reader.scale &&
        writer.precision <= DECIMAL_PRECISION
      );
    default:
      return writer.kind === reader.kind;
  }
}
