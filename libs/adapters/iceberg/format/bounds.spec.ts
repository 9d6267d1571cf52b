import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BOUND_LENGTH_MAX, lowerBound, upperBound } from './bounds.ts';
import { compareValues, type Value } from './single-value.ts';

/** Strings that share long prefixes and end in code points that are hard to increment. */
const awkwardText = fc
  .array(fc.constantFrom('a', '\ud7ff', '\ue000', '\uffff', '\u{10ffff}', '\u{1f600}', 'z'), { maxLength: 24 })
  .map((points) => points.join(''));
const bytes = fc.array(fc.constantFrom(0, 1, 254, 255), { maxLength: 24 }).map((all) => Uint8Array.from(all));
const values: fc.Arbitrary<Value> = fc.oneof(
  awkwardText,
  fc.string({ unit: 'binary' }),
  bytes,
  fc.bigInt(),
  fc.integer(),
);

describe('bounds', () => {
  it('hold the value, whatever it is', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(compareValues(lowerBound(value), value)).toBeLessThanOrEqual(0);
        const upper = upperBound(value);
        if (upper !== null) expect(compareValues(upper, value)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('are no longer than the bound of their length, and hold no half of a surrogate pair', () => {
    fc.assert(
      fc.property(awkwardText, (text) => {
        for (const bound of [lowerBound(text), upperBound(text)] as (string | null)[]) {
          expect(Array.from(bound ?? '').length).toBeLessThanOrEqual(BOUND_LENGTH_MAX);
          expect((bound ?? '').isWellFormed()).toBe(true);
        }
      }),
    );
  });

  it('are missing above only where nothing is above', () => {
    expect(upperBound('\u{10ffff}'.repeat(17))).toBeNull();
    expect(upperBound(`a${'\u{10ffff}'.repeat(17)}`)).toBe('b');
    expect(upperBound(Uint8Array.from({ length: 17 }, () => 255))).toBeNull();
  });

  it('step over the surrogates, which are no code points', () => {
    expect(upperBound('\ud7ff'.repeat(17))).toBe(`${'\ud7ff'.repeat(15)}\ue000`);
  });

  it('are the value itself where that is short', () => {
    expect([lowerBound('😀'.repeat(16)), upperBound('😀'.repeat(16))]).toEqual(['😀'.repeat(16), '😀'.repeat(16)]);
  });
});
