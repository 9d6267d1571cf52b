import { CodecError, type AvroReader } from './avro-reader.ts';
import { AVRO_DEPTH_MAX, type AvroCollectionSchema, type AvroSchema } from './avro-schema.ts';

/** Passes over one value of any schema. Takes time by the bytes there are, whatever counts they claim. */
export function skipValue(input: AvroReader, schema: AvroSchema, depth = 0): void {
  switch (schema.kind) {
    case 'string':
    case 'bytes':
      return input.skip(input.length());
    case 'int':
    case 'long':
    case 'enum':
      return input.skipLong();
    case 'union':
      return skipValue(input, schema.branches[input.branch(schema.branches.length)], depth);
    case 'array':
    case 'map':
      return skipItems(input, schema, deeper(depth));
    case 'record':
      if (schema.bytes !== null) return input.skip(schema.bytes);
      for (const field of schema.fields) skipValue(input, field.schema, deeper(depth));
      return;
    default:
      return input.skip(schema.bytes!);
  }
}

function skipItems(input: AvroReader, { kind, items }: AvroCollectionSchema, depth: number): void {
  for (;;) {
    const count = input.long();
    if (count === 0) return;
    if (count < 0) {
      input.skip(input.long());
    } else if (kind === 'array' && items.bytes !== null) {
      input.skip(count * items.bytes);
    } else {
      // Each of these has at least one byte, so a count beyond what is left ends where the bytes do.
      for (let i = 0; i < count; i++) {
        if (kind === 'map') input.skip(input.length());
        skipValue(input, items, depth);
      }
    }
  }
}

function deeper(depth: number): number {
  if (depth < AVRO_DEPTH_MAX) return depth + 1;
  throw new CodecError(`a value is nested deeper than ${AVRO_DEPTH_MAX} types`);
}
