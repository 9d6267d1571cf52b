import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PrimitiveType } from './schema.ts';
import { compareCodePoints, decimalBytes, deserializeValue, serializeValue, type Value } from './single-value.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('single-value serialization', () => {
  it.each<[PrimitiveType, Value, string]>([
    ['boolean', true, '01'],
    ['int', 34, '22000000'],
    ['date', -1, 'ffffffff'],
    ['long', 34, '2200000000000000'],
    ['timestamptz', 1_510_871_468_000_000, '00c3262d215e0500'],
    ['long', -9_223_372_036_854_775_808n, '0000000000000080'],
    ['string', 'ice€', '696365e282ac'],
  ])('%s %p', (type, value, expected) => {
    expect(hex(serializeValue(type, value))).toBe(expected);
    expect(deserializeValue(type, serializeValue(type, value))).toEqual(value);
  });

  it.each([
    [0n, '00'],
    [1n, '01'],
    [-1n, 'ff'],
    [127n, '7f'],
    [128n, '0080'],
    [-128n, '80'],
    [-129n, 'ff7f'],
    [1_420n, '058c'],
  ])('decimal %p takes as few bytes as hold it', (unscaled, expected) => {
    expect(hex(decimalBytes(unscaled))).toBe(expected);
  });

  it('gives every decimal back, in minimal two’s complement', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }), (unscaled) => {
        const bytes = serializeValue('decimal(38, 8)', unscaled);
        expect(deserializeValue('decimal(38, 8)', bytes)).toBe(unscaled);
        const shorter = BigInt.asIntN(8 * (bytes.length - 1), unscaled);
        expect(bytes.length === 1 || shorter !== unscaled).toBe(true);
      }),
    );
  });

  it('gives every long back, as a number where that is exact', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const back = deserializeValue('long', serializeValue('long', value));
        expect(BigInt(back as number | bigint)).toBe(value);
      }),
    );
  });

  it('reads the 4-byte bounds that a long column has from the time it was int', () => {
    expect(deserializeValue('long', serializeValue('int', -7))).toBe(-7);
  });

  it('orders strings as their UTF-8 bytes are ordered, which UTF-16 units are not', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
    expect(compareCodePoints('\uffff', '😀')).toBeLessThan(0);
  });
});
