import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { int64At, int64From, int64Words, isSafeAt, setInt64 } from './int64.ts';

const safe = () => fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });

describe('int64 columns without BigInt', () => {
  it('stores every safe integer as the int64 it is, and reads it back', () => {
    fc.assert(
      fc.property(safe(), (value) => {
        const column = new BigInt64Array(2);
        const words = int64Words(column);
        setInt64(words, 1, value);
        expect(column[1]).toBe(BigInt(value));
        expect(int64At(words, 1) + 0).toBe(value + 0);
        expect(isSafeAt(words, 1)).toBe(true);
      }),
    );
  });

  it('knows which values a number cannot hold', () => {
    const column = BigInt64Array.of(2n ** 53n, -(2n ** 53n) - 1n, 2n ** 53n - 1n, 999_999_999_999_999_999n);
    const words = int64Words(column);
    expect([0, 1, 2, 3].map((row) => isSafeAt(words, row))).toEqual([false, false, true, false]);
  });

  it('sees a column that starts in the middle of its buffer', () => {
    const column = BigInt64Array.of(1n, 2n, 3n).subarray(1);
    expect(int64At(int64Words(column), 0)).toBe(2);
  });

  it('converts exact integers, times before 1970 included', () => {
    expect([...int64From(Float64Array.of(-1, 0, 1_394_398_634_754_000))]).toEqual([-1n, 0n, 1_394_398_634_754_000n]);
  });
});
