import { describe, expect, it } from '@jest/globals';
import { arbitraryDecimal } from '@k2/testing/builders';
import fc from 'fast-check';
import { int64Words } from '../market/index.ts';
import { AvroReader, CodecError } from './avro-reader.ts';
import { AvroWriter } from './avro-writer.ts';
import { readDecimal, writeDecimal } from './decimal-codec.ts';

const EDGES = [0, 6, 7, 13, 14, 20, 21, 27, 28, 29, 30, 31, 34, 35, 41, 42, 48, 49, 51, 52, 53].flatMap((bits) =>
  [-1, 0, 1].flatMap((step) => [2 ** bits + step, -(2 ** bits) + step]),
);
const exact = EDGES.filter((value) => Math.abs(value) <= 2 ** 53);
const integers = fc.oneof(fc.constantFrom(...exact), fc.maxSafeInteger());

describe('Avro integers', () => {
  it('come back exactly up to 2^53, with bytes behind them and without', () => {
    fc.assert(
      fc.property(integers, fc.nat({ max: 9 }), (value, spareBytes) => {
        const out = new AvroWriter(1);
        out.long(value);
        const bytes = Uint8Array.from([...out.finish(), ...Array<number>(spareBytes).fill(255)]);
        const input = new AvroReader(bytes);
        expect(input.long()).toBe(value);
        expect(input.at).toBe(bytes.length - spareBytes);
        expect(new AvroReader(bytes).bigLong()).toBe(BigInt(value));
        const again = readerWithin(out.finish(), spareBytes);
        expect([again.time(), again.at]).toEqual([value, input.at + 3]);
      }),
      { examples: exact.map((value) => [value, 9] as [number, number]) },
    );
  });

  it('are never read beyond their last byte', () => {
    for (const value of exact) {
      const out = new AvroWriter(16);
      out.long(value);
      const bytes = out.finish();
      const within = Uint8Array.from([7, 7, ...bytes, 1, 1, 1, 1, 1, 1, 1, 1]);
      for (let length = 0; length < bytes.length; length++) {
        expect(() => new AvroReader(within, 2, 2 + length).long()).toThrow(CodecError);
        expect(() => readerWithin(bytes.slice(0, length), 0).time()).toThrow(CodecError);
      }
    }
  });

  it('take more bytes than they need, and no more than ten', () => {
    const padded = (count: number) => Uint8Array.from([...Array<number>(count - 1).fill(128), 0, 9, 9, 9, 9, 9, 9, 9]);
    for (let count = 2; count <= 10; count++) {
      const input = new AvroReader(padded(count));
      expect(input.long()).toBe(0);
      expect(input.at).toBe(count);
    }
    expect(() => new AvroReader(padded(11)).long()).toThrow('has more than 10 bytes');
    expect(() => new AvroReader(padded(11)).skipLong()).toThrow('has more than 10 bytes');
  });

  it('are refused beyond 2^53', () => {
    const out = new AvroWriter(16);
    out.bigLong(2n ** 53n + 1n);
    expect(() => new AvroReader(out.finish()).long()).toThrow('the integer 9007199254740993 at byte 0 is beyond 2^53');
  });
});

describe('Avro decimals', () => {
  it('come back exactly, in as few bytes as big-endian two’s complement needs', () => {
    fc.assert(
      fc.property(arbitraryDecimal(), (value) => {
        const out = new AvroWriter(1);
        writeDecimal(out, int64Words(BigInt64Array.of(value)), 0);
        const bytes = out.finish();
        const [length, ...content] = bytes;
        expect(length / 2).toBe(content.length);
        expect(BigInt.asIntN(8 * content.length, BigInt(`0x${Buffer.from(content).toString('hex')}`))).toBe(value);
        const shorter = 8 * content.length - 8;
        expect(shorter === 0 || BigInt.asIntN(shorter, value) !== value).toBe(true);

        const read = new BigInt64Array(2);
        for (const spareBytes of [0, 3]) {
          read.fill(0n);
          readDecimal(readerWithin(bytes, spareBytes), int64Words(read), 1);
          expect([...read]).toEqual([0n, value]);
        }
      }),
    );
  });
});

/** At these bytes and as many behind them, in the middle of memory that is not to be read. */
function readerWithin(bytes: Uint8Array, spareBytes: number): AvroReader {
  const memory = Uint8Array.from([
    9,
    9,
    9,
    9,
    9,
    ...bytes,
    ...Array<number>(spareBytes).fill(255),
    7,
    7,
    7,
    7,
    7,
    7,
    7,
    7,
  ]);
  const input = new AvroReader(new Uint8Array());
  input.reset(memory.subarray(2), 3, 3 + bytes.length + spareBytes);
  return input;
}
