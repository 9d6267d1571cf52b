import { CodecError } from './avro-reader.ts';

/** Bytes before the body of a message in the Confluent wire format: a zero, and the schema id as a big-endian int32. */
export const WIRE_PREFIX_BYTES = 5;

const MAGIC = 0;
const SCHEMA_ID_MAX = 2_147_483_647;

/** What a message whose body has this schema begins with. Throws RangeError where it is no id of a registry. */
export function wirePrefix(schemaId: number): Uint8Array {
  if (!Number.isInteger(schemaId) || schemaId < 0 || schemaId > SCHEMA_ID_MAX) {
    throw new RangeError(`the schema id is ${schemaId}: expected 0 to ${SCHEMA_ID_MAX}`);
  }
  return Uint8Array.of(MAGIC, schemaId >>> 24, schemaId >>> 16, schemaId >>> 8, schemaId);
}

/** The message of a body. For many at once, `encodeTicks` writes the prefix before each. */
export function withWirePrefix(schemaId: number, body: Uint8Array): Uint8Array {
  const message = new Uint8Array(WIRE_PREFIX_BYTES + body.length);
  message.set(wirePrefix(schemaId));
  message.set(body, WIRE_PREFIX_BYTES);
  return message;
}

/** The id of the schema that a message was written with; its body begins at WIRE_PREFIX_BYTES. Throws CodecError. */
export function wireSchemaId(message: Uint8Array): number {
  if (message.length < WIRE_PREFIX_BYTES) {
    throw new CodecError(`the message has ${message.length} bytes: it is shorter than ${WIRE_PREFIX_BYTES} bytes`);
  }
  if (message[0] !== MAGIC) throw new CodecError(`the magic byte is ${message[0]}: expected ${MAGIC}`);
  const schemaId = (message[1] << 24) | (message[2] << 16) | (message[3] << 8) | message[4];
  if (schemaId < 0) throw new CodecError(`the schema id is ${schemaId}: expected 0 or more`);
  return schemaId;
}
