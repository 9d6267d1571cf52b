import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  LOG_OFFSETS_MAX,
  LogOffsetError,
  offsetOfPosition,
  platformSequence,
  recordPositions,
  tickPositions,
} from './platform-sequence.ts';

/** Each size of offset is as likely as any other, and the edges of the words are among them. */
const offsets = () =>
  fc.oneof(
    fc.integer({ min: 0, max: 47 }).chain((bits) => fc.integer({ min: 0, max: 2 ** bits - 1 })),
    fc.constantFrom(0, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 37 - 1, 2 ** 37, LOG_OFFSETS_MAX - 1),
  );
const exact = (offset: number, index: number) => BigInt(offset) * 65_536n + BigInt(index);

describe('platform sequence', () => {
  it('is offset × 65,536 + index, for every offset and index', () => {
    fc.assert(
      fc.property(offsets(), fc.integer({ min: 0, max: 65_535 }), (offset, index) => {
        expect(platformSequence(offset, index)).toBe(exact(offset, index));
      }),
    );
  });

  it('of the rows of a record is the same, made without a BigInt a row', () => {
    fc.assert(
      fc.property(offsets(), fc.integer({ min: 0, max: 300 }), (offset, rowCount) => {
        const expected = Array.from({ length: rowCount }, (_, index) => exact(offset, index));
        expect([...recordPositions(offset, rowCount)]).toEqual(expected);
      }),
    );
  });

  it('of a whole record ends below the next record', () => {
    const positions = recordPositions(LOG_OFFSETS_MAX - 1, 65_536);
    expect([positions[0], positions[32_768], positions[65_535]]).toEqual([
      2n ** 63n - 65_536n,
      2n ** 63n - 32_768n,
      2n ** 63n - 1n,
    ]);
  });

  it('of single ticks is that of their own records', () => {
    fc.assert(
      fc.property(fc.array(offsets()), (of) => {
        expect([...tickPositions(Float64Array.from(of))]).toEqual(of.map((offset) => exact(offset, 0)));
      }),
    );
  });

  it('gives its offset back, and orders as the log does', () => {
    const index = fc.integer({ min: 0, max: 65_535 });
    fc.assert(
      fc.property(offsets(), index, offsets(), index, (offset, row, other, otherRow) => {
        const position = platformSequence(offset, row);
        expect(offsetOfPosition(position)).toBe(offset);
        expect(position < platformSequence(other, otherRow)).toBe(offset === other ? row < otherRow : offset < other);
      }),
    );
  });

  it.each([LOG_OFFSETS_MAX, 2 ** 53, -1, 0.5, NaN, Infinity])('refuses an offset of %d, and names it', (offset) => {
    for (const make of [
      () => platformSequence(offset, 0),
      () => recordPositions(offset, 1),
      () => tickPositions(Float64Array.of(0, offset)),
    ]) {
      expect(make).toThrow(LogOffsetError);
      expect(make).toThrow(`offset ${offset} has no position: expected a whole number below 2^47 (140737488355328)`);
    }
  });

  it('refuses a record of more rows than an index can tell apart', () => {
    expect(() => recordPositions(1, 65_537)).toThrow('a record of 65537 rows: expected at most 65536');
  });
});
