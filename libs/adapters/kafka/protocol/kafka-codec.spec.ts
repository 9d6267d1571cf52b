import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KafkaReader } from './kafka-reader.ts';
import { KafkaWriter } from './kafka-writer.ts';

it('reads what it wrote, of every type', () => {
  const text = fc.option(fc.string({ unit: 'binary', maxLength: 300 }));
  fc.assert(
    fc.property(
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      fc.maxSafeInteger(),
      fc.nat(),
      fc.uuid(),
      text,
      text,
      fc.uint8Array(),
      fc.array(fc.integer({ min: -128, max: 127 })),
      (int32, int64, uvarint, uuid, string, compact, bytes, items) => {
        const out = new KafkaWriter(1).int32(int32).int64(int64).uvarint(uvarint).uuid(uuid).string(string);
        out.compactString(compact).bytes(bytes).compactBytes(bytes);
        out
          .array(items, (item) => out.int8(item))
          .compactArray(items, (item) => out.int8(item))
          .noTags();
        const input = new KafkaReader(out.finish());
        expect(input.int32()).toBe(int32);
        expect(input.int64()).toBe(int64);
        expect(input.uvarint()).toBe(uvarint);
        expect(input.uuid()).toBe(uuid);
        expect(input.string()).toBe(string);
        expect(input.compactString()).toBe(compact);
        expect(Buffer.compare(input.bytes(), bytes)).toBe(0);
        expect(Buffer.compare(input.compactBytes(), bytes)).toBe(0);
        expect(input.array(() => input.int8())).toEqual(items);
        expect(input.compactArray(() => input.int8())).toEqual(items);
        input.tags();
        expect(input.leftBytes).toBe(0);
      },
    ),
  );
});

it('passes over tagged fields of later versions', () => {
  const out = new KafkaWriter();
  // Two fields: tag 0 with three bytes, tag 300 with none.
  out.uvarint(2).uvarint(0).uvarint(3).int8(1).int8(2).int8(3).uvarint(300).uvarint(0).int32(42);
  const input = new KafkaReader(out.finish());
  input.tags();
  expect(input.int32()).toBe(42);
});
