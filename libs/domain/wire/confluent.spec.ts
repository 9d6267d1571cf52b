import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CodecError, WIRE_PREFIX_BYTES, wireSchemaId, withWirePrefix } from './index.ts';

describe('the Confluent wire format', () => {
  it('is a zero, the schema id as a big-endian int32, and the body', () => {
    expect([...withWirePrefix(0x01020304, Uint8Array.of(9))]).toEqual([0, 1, 2, 3, 4, 9]);
  });

  it('gives back id and body', () => {
    fc.assert(
      fc.property(fc.nat(), fc.uint8Array(), (schemaId, body) => {
        const message = withWirePrefix(schemaId, body);
        expect(wireSchemaId(message)).toBe(schemaId);
        expect(message.subarray(WIRE_PREFIX_BYTES)).toEqual(body);
      }),
    );
  });

  it.each([
    ['of another magic byte', [7, 0, 0, 0, 1, 2], 'the magic byte is 7: expected 0'],
    ['that is empty', [], 'the message has 0 bytes: it is shorter than 5 bytes'],
    ['of four bytes', [0, 0, 0, 1], 'the message has 4 bytes: it is shorter than 5 bytes'],
    ['of a negative id', [0, 255, 255, 255, 255], 'the schema id is -1: expected 0 or more'],
  ])('refuses a message %s', (_, bytes, message) => {
    expect(() => wireSchemaId(Uint8Array.from(bytes))).toThrow(new CodecError(message));
  });

  it('has no place for an id that is no int32', () => {
    for (const schemaId of [-1, 1.5, 2 ** 31])
      expect(() => withWirePrefix(schemaId, Uint8Array.of())).toThrow(RangeError);
  });
});
